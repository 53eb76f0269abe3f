"""The coarse solid of a view."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from handmade_people import Shape, box, people_of, sphere, together

from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.synthetic.occlusion import ambient_occlusion
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.placement import Placement, place_person
from pifuhd_ros.synthetic.render import render_views
from pifuhd_ros.synthetic.samples import PointSamples, SamplingConfig, sample_points
from pifuhd_ros.synthetic.volume import occupancy_volumes

SIZE = 64
PLAIN = Placement(torch.eye(3), torch.zeros(3), 1.0)
NEAR = dataclasses.replace(PLAIN, inverse_distance=0.5)


def cells(size: int) -> torch.Tensor:
    """Model-space middles (D, H, W, 3) of the cells."""
    axis = (torch.arange(size) + 0.5) * 2 / size - 1
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    return torch.stack([x, y, z], -1)


def volume_of(*shapes: Shape, placement: Placement) -> torch.Tensor:
    people = people_of(*shapes)
    views = render_views(people, range(len(shapes)), [placement] * len(shapes), 32)
    return occupancy_volumes(people, views, SIZE)


@pytest.mark.parametrize("placement", [PLAIN, NEAR])
def test_a_ball_fills_the_cells_in_it(placement: Placement) -> None:
    centre, radius = (0.1, -0.2, 0.15), 0.4
    volume = volume_of(sphere(radius, centre), placement=placement)[0]
    person = placement.to_person(cells(SIZE).view(-1, 3))
    depth = (person - torch.tensor(centre)).norm(dim=1).view(volume.shape) - radius
    cell = 2 / SIZE
    assert (volume[depth < -2.5 * cell] == 1).all()
    assert (volume[depth > 2.5 * cell] == 0).all()
    assert volume.sum() == pytest.approx(float((depth < 0).sum()), rel=0.02)


def test_what_overlaps_counts_once_and_people_stay_apart() -> None:
    pair = together(sphere(0.3, (-0.1, 0, 0)), sphere(0.3, (0.1, 0, 0)))
    both = volume_of(pair, box((-0.2, 0.1, -0.3), (0.2, 0.5, 0.1)), placement=PLAIN)
    assert both.max() <= 1
    alone = volume_of(box((-0.2, 0.1, -0.3), (0.2, 0.5, 0.1)), placement=PLAIN)
    assert torch.equal(both[1], alone[0])
    assert (both[1] > 0.5).sum() == pytest.approx(0.4**3 / (2 / SIZE) ** 3, rel=0.1)


def test_what_sticks_out_of_the_box_is_solid_up_to_its_side() -> None:
    volume = volume_of(box((-0.5, -0.5, -1.5), (0.5, 0.5, 1.5)), placement=PLAIN)[0]
    assert (volume[2:-2, SIZE // 2, SIZE // 2] == 1).all()


def test_a_volume_agrees_with_the_labels(people: People) -> None:
    samples: PointSamples = sample_points(people, (0, 1, 2), SamplingConfig(points=1500))
    who = range(len(people))
    placements = [place_person(people.vertices_of(i), view_rotation(50, 4)) for i in who]
    volumes = occupancy_volumes(people, render_views(people, who, placements, 64), 96)
    for i in who:
        index = ((placements[i].to_model(samples.points[i]) + 1) * 48).long()
        boxed = ((index >= 0) & (index < 96)).all(1)
        x, y, z = index[boxed].unbind(1)
        solid = volumes[i, z, y, x]
        # Farther from the surface than the blur reaches.
        deep = samples.signed_distance[i][boxed] < -0.06
        beside = samples.signed_distance[i][boxed] > 0.06
        assert (solid[deep] > 0.5).float().mean() > 0.99
        assert (solid[beside] < 0.5).float().mean() > 0.99


def test_a_ball_is_open_to_the_sky_and_people_have_dark_places(people: People) -> None:
    ball = people_of(sphere(0.5))
    views = render_views(ball, [0], [PLAIN], 128)
    volume = occupancy_volumes(ball, views)
    mask = views.mask[:, None].float()
    light = ambient_occlusion(volume, views.z_front, views.normal_front, mask)
    assert light.ambient[0, 0][views.mask[0]].mean() > 0.9

    placements = [place_person(people.vertices_of(1), view_rotation(0))]
    views = render_views(people, [1], placements, 128)
    volume = occupancy_volumes(people, views)
    mask = views.mask[:, None].float()
    light = ambient_occlusion(volume, views.z_front, views.normal_front, mask)
    seen = light.ambient[0, 0][views.mask[0]]
    assert seen.min() >= 0
    assert seen.max() <= 1 + 1e-5
    assert seen.mean() > 0.7
    assert seen.quantile(0.02) < 0.85
