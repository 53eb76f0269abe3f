from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pifuhd_ros.geometry.crop_transforms import apply_transform
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.types import Mesh, PersonCrop

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def scripts_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")


def upright_points() -> np.ndarray:
    """Spread over a box as large as somebody with arms half raised, around the pelvis."""
    random = np.random.default_rng(3)
    return random.uniform((-0.5, -0.95, -0.2), (0.5, 0.8, 0.25), (500, 3))


@pytest.mark.parametrize("number", range(20))
def test_a_person_fills_the_picture_as_wished(number: int) -> None:
    from unlike.cameras import frame_person, sample_view

    view = sample_view(number, Dice(number))
    shot = frame_person(upright_points(), view)
    pixels = shot.project(shot.on_stage(upright_points()))
    size = np.array([view.width_px, view.height_px])
    low, high = pixels.min(0), pixels.max(0)
    assert (low > 0).all()
    assert (high < size - 1).all()
    fill = ((high - low) / size).max()
    if shot.position_m[2] > 1.8:
        assert fill == pytest.approx(view.fill, abs=0.02)
    else:
        assert fill > view.fill
    assert shot.position_m[1] == pytest.approx(view.height_m)


def test_the_placement_is_the_same_camera() -> None:
    """What the project's own renderer and the evaluation take, against the pinhole itself."""
    from unlike.cameras import frame_person, sample_view

    points = upright_points()
    for number in range(4):
        shot = frame_person(points, sample_view(number, Dice(number)))
        model = shot.placement().to_model(torch.from_numpy(points).float())
        pixels = apply_transform(shot.image_from_model(), model[:, :2].numpy())
        np.testing.assert_allclose(pixels, shot.project(shot.on_stage(points)), atol=0.01)


def test_cutting_up_keeps_the_surface_and_its_side() -> None:
    from unlike.meshes import cut_up

    corners = torch.tensor(
        [[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 0.1, 1], [0.1, 0, 1]]]
    ).float()
    source, weights, faces = cut_up(corners, 0.3)
    points = (corners[source] * weights[..., None]).sum(1)
    a, b, c = points[faces].unbind(1)
    crosses = torch.linalg.cross(b - a, c - a)
    edges = torch.stack([b - a, c - b, a - c]).norm(dim=2)
    assert edges.max() <= 0.3 + 1e-6
    assert len(faces) == 5**2 + 1
    of_face = source[faces[:, 0]]
    for number, area in ((0, 1.0), (1, -0.01)):
        assert float(crosses[of_face == number, 2].sum()) == pytest.approx(area)
        assert (crosses[of_face == number, 2].sign() == np.sign(area)).all()


@pytest.mark.parametrize("kind", range(10))
def test_every_place_leaves_the_person_in_sight(kind: int, tmp_path: Path) -> None:
    """No box or ball lies between camera and person, and the same seed gives the same place."""
    from unlike.cameras import frame_person, sample_view
    from unlike.places import PLACES
    from unlike.stage import Stage

    points = upright_points()
    shot = frame_person(points, sample_view(kind, Dice(kind)))
    name = list(PLACES)[kind]
    written = []
    for again in range(2):
        folder = tmp_path / str(again)
        folder.mkdir()
        stage = Stage(folder, shot, 0.6, np.random.default_rng(kind))
        PLACES[name](stage)
        stage.write(folder / "scene.json", 4, 3)
        written.append((folder / "scene.json").read_text())
    assert written[0] == written[1]
    things = json.loads(written[0]).values()
    lights = [thing for thing in things if "radiance" in json.dumps(thing) or "sun" in str(thing)]
    assert lights
    rays = np.linspace(0.02, 0.97, 400)[:, None, None]
    between = (1 - rays) * shot.position_m + rays * shot.on_stage(points[::10])
    for thing in things:
        if not isinstance(thing, dict) or thing.get("type") not in ("cube", "sphere"):
            continue
        if thing["type"] == "sphere":
            inside = np.linalg.norm(between - thing["center"], axis=2) < thing["radius"]
        else:
            inverse = np.linalg.inv(np.array(thing["to_world"]))
            local = between @ inverse[:3, :3].T + inverse[:3, 3]
            inside = (np.abs(local) < 1).all(axis=2)
        assert not inside.any(), thing


def test_a_photo_is_metered_whatever_the_unit_of_light() -> None:
    from unlike.develop import develop
    from unlike.places import Exposure

    random = np.random.default_rng(0)
    radiance = random.uniform(0.2, 1.0, (60, 40, 3)).astype(np.float32)
    photo = develop(radiance, Exposure(), seed=1)
    np.testing.assert_allclose(develop(1000 * radiance, Exposure(), 1), photo, atol=1)
    darker = develop(radiance, Exposure(stops=-1), 1)
    assert darker.mean() < 0.85 * photo.mean()
    noisy = develop(np.ones_like(radiance), Exposure(noise=0.05), 1)
    even = develop(np.ones_like(radiance), Exposure(noise=0.001), 1)
    assert noisy.std() > 3 * even.std()


def test_the_silhouette_of_a_mesh_is_found_in_the_photo() -> None:
    """A square of half the crop's side against the mask of the same square, and one beside it."""
    from measure_unlike_people import silhouette_iou

    vertices = 0.51 * np.float32([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    mesh = Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]]))
    image_from_crop = np.array([[2.0, 0, 10], [0, 2.0, 20], [0, 0, 1]])
    crop = PersonCrop(torch.zeros(3, 65, 65), torch.zeros(65, 65), image_from_crop)
    mask = np.zeros((200, 180), np.float32)
    mask[52:117, 42:107] = 1
    assert silhouette_iou(mesh, crop, mask) == 1
    assert silhouette_iou(mesh, crop, np.roll(mask, 65, axis=1)) == 0
