"""PIFuHD's surface with phorhum's colours where the camera did not see it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pifuhd_ros.networks import weights
from pifuhd_ros.networks.weights import load_phorhum, save_weights
from pifuhd_ros.reconstructors.albedo_colors import AlbedoColors
from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor
from pifuhd_ros.stages.image_io import frame_from_array
from pifuhd_ros.types import ColorSource, Mesh, PersonCrop, WeightsError

GREEN = (0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def green_weights(phorhum_slab_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An albedo system that sees everything green, in a light of log 2."""
    network = load_phorhum(phorhum_slab_weights)
    with torch.no_grad():
        network.point.albedo.bias[3:] = -20.0
        network.point.albedo.bias[:3] = 40 * torch.tensor(GREEN) - 20
        network.shading.out.bias[:] = 0.0
    path = tmp_path_factory.mktemp("green") / "green.safetensors"
    save_weights(path, network)
    return path


def test_the_camera_s_colours_before_and_the_network_s_behind(
    slab_weights: Path, green_weights: Path, drawn_person: np.ndarray
) -> None:
    meshes = {}
    for color in PifuhdReconstructor.colors:
        model = PifuhdReconstructor.from_pretrained(
            slab_weights, "cpu", resolution=64, color=color, albedo_weights=green_weights
        )
        (person,) = model.infer(frame_from_array(drawn_person))
        model.close()
        meshes[color] = person.mesh
    plain, mesh = meshes["photo"], meshes["photo+albedo"]
    assert plain.color_sources is not None
    assert mesh.colors is not None
    assert mesh.color_sources is not None
    assert mesh.seen is not None
    assert plain.colors is not None

    assert set(np.unique(plain.color_sources)) == {ColorSource.GUESS, ColorSource.PHOTO}
    np.testing.assert_array_equal(mesh.color_sources == ColorSource.PHOTO, mesh.seen)
    np.testing.assert_array_equal(mesh.colors[mesh.seen], plain.colors[plain.seen])
    behind = mesh.color_sources == ColorSource.ALBEDO_SYSTEM
    assert mesh.normals is not None
    # The slab has as much behind the person as before.
    assert 0.9 < behind.sum() / mesh.seen.sum() < 1.1
    assert (mesh.normals[behind, 2] > 0.9).mean() > 0.9  # Away, in the optical frame.
    np.testing.assert_allclose(
        mesh.colors[behind], [[0, 255 * np.log(2), 0]] * behind.sum(), atol=1
    )
    assert "albedo" in person.timings_s
    assert mesh.shows == "photo"


def test_another_crop_of_the_person_gives_the_same_colours(phorhum_slab_weights: Path) -> None:
    """The network's albedo is the pixel: columns of its own crop, seen from a larger one."""
    colors = AlbedoColors.load(phorhum_slab_weights, torch.device("cpu"), "float32")
    columns = torch.linspace(0, 1, 128).expand(3, 128, 128).contiguous()
    own = PersonCrop(columns, torch.ones(128, 128), np.diag([2.0, 2.0, 1.0]))
    larger = np.array([[4.0, 0, -126], [0, 4.0, -130], [0, 0, 1]])
    other = PersonCrop(torch.zeros(3, 128, 128), torch.ones(128, 128), larger)
    x = np.linspace(-0.4, 0.4, 9)
    mesh = Mesh(
        vertices=np.stack([x, 0 * x, -0.1 + 0 * x], axis=-1).astype(np.float32),
        faces=np.zeros((0, 3), np.int64),
        normals=np.tile(np.float32([0, 0, -1]), (9, 1)),
    )
    shaded = colors.look_at(own, 0.0).colors_of(mesh, other)
    pixel = (4 * (x + 1) / 2 * 127 - 126) / 2
    np.testing.assert_allclose(shaded[:, 0], 255 * pixel / 127, atol=1.5)


def test_missing_weights_are_told_by_name(
    slab_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "none.safetensors"
    with pytest.raises(WeightsError, match=r"photo\+albedo need phorhum's weights.*none\.safe"):
        PifuhdReconstructor.from_pretrained(
            slab_weights, "cpu", color="photo+albedo", albedo_weights=missing
        )
    monkeypatch.setattr(weights, "default_weights_path", lambda _: missing)
    with pytest.raises(WeightsError, match=r"albedo_weights.*lacks the default weights"):
        PifuhdReconstructor.from_pretrained(slab_weights, "cpu", color="photo+albedo")
