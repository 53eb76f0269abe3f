"""What PHORHUM's recipe adds to the contract: its camera, its colours, its memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from pifuhd_ros.geometry.cameras import camera_from_focal, inverse_distance
from pifuhd_ros.networks.phorhum import LITE, PUBLISHED
from pifuhd_ros.networks.weights import load_phorhum, save_weights
from pifuhd_ros.reconstructors.memory_need import estimate_memory
from pifuhd_ros.reconstructors.phorhum import PhorhumReconstructor
from pifuhd_ros.reconstructors.viewpoint import USUAL_INVERSE_DISTANCE, crop_inverse_distance
from pifuhd_ros.stages.image_io import frame_from_array
from pifuhd_ros.types import PersonCrop


@pytest.fixture(scope="module")
def crop() -> PersonCrop:
    mask = torch.zeros(128, 128)
    mask[20:110, 40:90] = 1
    image = torch.full((3, 128, 128), 0.5) * mask
    return PersonCrop(image=image, mask=mask, image_from_crop=np.eye(3))


@pytest.fixture(scope="module")
def model(phorhum_slab_weights: Path) -> Iterator[PhorhumReconstructor]:
    model = PhorhumReconstructor.from_pretrained(phorhum_slab_weights, "cpu", resolution=64)
    yield model
    model.close()


def test_a_crop_becomes_a_shape_with_albedo_and_light(
    model: PhorhumReconstructor, crop: PersonCrop
) -> None:
    shape = model.reconstruct_crop(crop)
    assert list(shape.timings_s) == ["features", "surface", "clean", "colour"]
    assert shape.mesh.colors is not None
    assert shape.mesh.normals is not None
    assert shape.mesh.seen is not None
    seen = shape.mesh.seen
    assert np.allclose(shape.mesh.vertices[seen, 2], 0.25, atol=0.01)
    assert np.allclose(shape.mesh.normals[seen], [0, 0, 1], atol=1e-3)
    assert np.allclose(shape.mesh.colors[seen], 128, atol=2)
    assert shape.light.shape == (2,)


def test_shaded_colours_are_the_albedo_in_the_photo_s_light(
    phorhum_slab_weights: Path, drawn_person: np.ndarray, tmp_path: Path
) -> None:
    network = load_phorhum(phorhum_slab_weights)
    with torch.no_grad():
        network.shading.out.bias[:] = 0.0  # A shading of log 2 in every channel.
    path = tmp_path / "dim.safetensors"
    save_weights(path, network)
    colors = {}
    for color in PhorhumReconstructor.colors:
        model = PhorhumReconstructor.from_pretrained(path, "cpu", resolution=32, color=color)
        (person,) = model.infer(frame_from_array(drawn_person))
        model.close()
        assert person.mesh.colors is not None
        colors[color] = person.mesh.colors.astype(float)
    assert np.allclose(colors["shaded"], np.log(2) * colors["albedo"], atol=1)


def test_the_camera_s_distance_is_in_half_sides_of_the_square() -> None:
    camera = camera_from_focal(500, 640, 480)
    # A square of half size 1 m, 4 m away, is 125 pixels in half size.
    assert inverse_distance(camera, 125) == pytest.approx(1 / 4)


def test_a_nearer_camera_makes_the_person_slant(
    model: PhorhumReconstructor, crop: PersonCrop
) -> None:
    for focal_px, expected in ((400, 63.5 / 400), (10, 0.55), (1e9, 0.0)):
        camera = camera_from_focal(focal_px, 128, 128)
        assert crop_inverse_distance(camera, crop) == pytest.approx(expected, abs=1e-4)
        field = model.reconstruct_crop(crop, camera=camera).field
        assert float(field.inverse_distance) == pytest.approx(expected, abs=1e-4)
    assert crop_inverse_distance(None, crop) == USUAL_INVERSE_DISTANCE


def test_memory_is_known_before_the_work() -> None:
    need = estimate_memory(LITE, 256)
    assert 1e7 < need.total < 2e9
    # The features of the published size alone are 256 MiB, and a level works on several such.
    assert estimate_memory(PUBLISHED, 256).encoding > 2 * 256 * 2**20
    assert estimate_memory(PUBLISHED, 256).weights == 4 * 48_046_472
