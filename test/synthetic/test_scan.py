"""Scans go through the generator's own code, with analytic answers on an egg."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scan_shapes import BLUE, HALF, RED, coloured_egg, egg, egg_arrays, without_patch

from pifuhd_ros.assets.scans import read_scan
from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.placement import place_person
from pifuhd_ros.synthetic.render import Views, render_views
from pifuhd_ros.synthetic.samples import PointSamples, SamplingConfig, sample_points
from pifuhd_ros.synthetic.scan import PELVIS_HEIGHT, scan_people
from pifuhd_ros.synthetic.volume import occupancy_volumes

_HALF = torch.tensor(HALF, dtype=torch.float32)


def _middle(people: People) -> torch.Tensor:
    """Of the egg in person space, whose top no hole takes away."""
    return torch.tensor([0.0, float(people.vertices[:, 1].max() - _HALF[1]), 0.0])


def _people(folder: Path, kind: str) -> People:
    """The textured egg, that of vertex colours with two holes, or that of loose faces."""
    path = folder / "egg.ply"
    if kind == "whole":
        path = folder / "egg.glb"
        egg().export(path)
    elif kind == "holes":
        coloured_egg(without_patch()).export(path)
    else:
        keep = np.random.default_rng(0).random(len(egg_arrays()[1])) > 0.12
        coloured_egg(keep).export(path)
    return scan_people([read_scan(path, texture_size=64)], joint_count=5)


@pytest.fixture(params=["whole", "holes", "loose"])
def people(request: pytest.FixtureRequest, tmp_path: Path) -> People:
    return _people(tmp_path, request.param)


def _samples(people: People) -> PointSamples:
    return sample_points(people, [0], SamplingConfig(points=3000))


def test_occupancy_and_distance_are_those_of_the_egg(people: People) -> None:
    samples = _samples(people)
    points = (samples.points[0] - _middle(people)) / _HALF
    inside = points.norm(dim=1) < 1
    # First order distance, exact at the surface.
    away = (points.norm(dim=1) - 1) * points.norm(dim=1) / (points / _HALF).norm(dim=1)
    sure = away.abs() > 0.004
    agree = (samples.inside[0] == inside)[sure].float().mean()
    near = away.abs() < 0.03
    error = (samples.signed_distance[0] - away)[near].abs()
    if len(people.open_faces):
        assert agree > 0.97
    else:
        assert agree > 0.995
        assert error.mean() < 0.002
    assert 0.1 < inside.float().mean() < 0.6


def _front(people: People) -> Views:
    return render_views(people, [0], [place_person(people.vertices, view_rotation(0))], 128)


def test_views_show_the_egg(tmp_path: Path) -> None:
    people = _people(tmp_path, "whole")
    views = _front(people)
    mask = views.mask[0]
    # Pixels to the egg's surface, analytically.
    axis = torch.linspace(-1, 1, 128) / views.placements[0].scale
    y, x = torch.meshgrid(-axis / HALF[1], axis / HALF[0], indexing="ij")
    squared = x * x + y * y
    assert ((squared < 1) == mask).float().mean() > 0.99
    z = (1 - squared).clamp(min=0).sqrt()
    inner = mask & (squared < 0.9)
    depth = z * HALF[2] * views.placements[0].scale
    assert (views.z_front[0] - depth)[inner].abs().max() < 0.005
    normal = torch.nn.functional.normalize(torch.stack([x, y, z]) / _HALF[:, None, None], dim=0)
    assert (views.normal_front[0] * normal).sum(0)[inner].min() > 0.999
    back = normal * torch.tensor([1.0, 1, -1])[:, None, None]
    assert (views.normal_back[0] * back).sum(0)[inner].min() > 0.999
    clear = inner & (x.abs() > 0.15)
    colour = torch.where(
        (x > 0)[..., None], torch.tensor(RED) / 255, torch.tensor(BLUE) / 255
    ).permute(2, 0, 1)
    for albedo in (views.albedo[0], views.albedo_back[0]):
        assert (albedo - colour)[:, clear].abs().max() < 0.01


def test_vertex_colours_are_drawn_and_holes_are_seen_through(tmp_path: Path) -> None:
    people = _people(tmp_path, "holes")
    views = _front(people)
    clear = views.mask[0].clone()
    clear[:, 54:74] = False
    left = torch.arange(128) > 64
    for side, colour in ((left, RED), (~left, BLUE)):
        shown = views.albedo[0][:, clear & side]
        assert (shown.mean(1) * 255 - torch.tensor(colour)).abs().max() < 3
    # Through the hole in the back one sees the inside of the front, which looks towards us.
    z_back = views.z_back[0]
    assert z_back[views.mask[0]].max() > 0.1
    assert (views.normal_back[0][2] <= 0).all()


def test_a_scan_has_no_body_and_no_joints(people: People) -> None:
    views = _front(people)
    assert views.body_front.abs().sum() == 0
    assert views.body_back.abs().sum() == 0
    assert people.joints.shape == (1, 5, 3)
    assert not views.joints_visible.any()
    drawn = people.vertices[people.faces.unique(), 1]
    assert people.stature_m.item() == pytest.approx(float(drawn.max() - drawn.min()))
    assert float(-drawn.min()) == pytest.approx(PELVIS_HEIGHT * people.stature_m.item(), abs=1e-5)
    volume = occupancy_volumes(people, views, 32)
    if len(people.closed_faces):
        assert volume.mean() == pytest.approx(
            4 / 3 * np.pi * HALF.prod() * views.placements[0].scale ** 3 / 8, rel=0.05
        )


def test_scans_of_a_batch_equal_single_ones(tmp_path: Path) -> None:
    egg().export(tmp_path / "a.glb")
    coloured_egg(without_patch()).export(tmp_path / "b.ply")
    scans = [read_scan(tmp_path / name, texture_size=64) for name in ("a.glb", "b.ply")]
    both = scan_people([scans[0], scans[1], scans[0]], 5)
    assert len(both.textures) == 1
    placement = place_person(both.vertices_of(0), view_rotation(20))
    together = render_views(both, [0, 1, 2], [placement] * 3, 64)
    for i, scan in enumerate(scans):
        alone = render_views(scan_people([scan], 5), [0], [placement], 64)
        for name in ("albedo", "albedo_back", "normal_front", "z_front", "mask"):
            one, same = getattr(together, name)[i].float(), getattr(alone, name)[0].float()
            assert torch.allclose(one, same, atol=1e-5)
    assert torch.equal(together.albedo[0], together.albedo[2])
