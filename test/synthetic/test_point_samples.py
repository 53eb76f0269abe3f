"""Labelled points: where they lie, that they repeat, that labels and pictures agree."""

from __future__ import annotations

import math

import pytest
import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.placement import place_person
from pifuhd_ros.synthetic.render import render_views
from pifuhd_ros.synthetic.samples import PointSamples, SamplingConfig, sample_points
from pifuhd_ros.synthetic.solid import REACH_M
from pifuhd_ros.synthetic.wardrobe import Wardrobe

CONFIG = SamplingConfig(points=3000)


@pytest.fixture(scope="module")
def samples(people: People) -> PointSamples:
    return sample_points(people, (3, 7, 8), CONFIG)


def test_points_lie_in_all_bands(samples: PointSamples) -> None:
    assert samples.points.shape == (3, 3000, 3)
    assert samples.points.abs().max() <= REACH_M + CONFIG.cell_m
    distance = samples.signed_distance.abs()
    for reach_m, least in ((0.015, 0.2), (0.05, 0.45), (0.3, 0.7)):
        assert (distance < reach_m).float().mean() > least
    assert (distance > 0.5).float().mean() > 0.02
    assert 0.1 < samples.inside.float().mean() < 0.8


def test_the_sign_is_the_label(samples: PointSamples) -> None:
    assert torch.equal(samples.signed_distance < 0, samples.inside)
    assert torch.isfinite(samples.signed_distance).all()


def test_who_else_is_in_the_batch_changes_nothing(
    wardrobe: Wardrobe, body: BodyModel, samples: PointSamples
) -> None:
    """To the last bit."""
    alone = sample_points(sample_people(wardrobe, body, [7]), [7], CONFIG)
    for name, values in vars(alone).items():
        assert torch.equal(values[0], getattr(samples, name)[1]), name


def test_another_seed_gives_other_points(people: People) -> None:
    config = SamplingConfig(points=100)
    a, b = sample_points(people, (3, 7, 8), config), sample_points(people, (4, 7, 9), config)
    assert torch.equal(a.points[1], b.points[1])
    assert not torch.equal(a.points[0], b.points[0])


@pytest.mark.parametrize("distance_m", [math.inf, 2.5])
def test_what_is_inside_lies_behind_the_silhouette(
    people: People, samples: PointSamples, distance_m: float
) -> None:
    who = range(len(people))
    placements = [
        place_person(people.vertices_of(i), view_rotation(30), distance_m=distance_m) for i in who
    ]
    views = render_views(people, who, placements, 256)
    for i in who:
        model = placements[i].to_model(samples.points[i])[samples.inside[i]]
        u = ((model[:, 0] + 1) / 2 * 255).round().long().clamp(0, 255)
        v = ((1 - model[:, 1]) / 2 * 255).round().long().clamp(0, 255)
        assert views.mask[i, v, u].float().mean() > 0.985
        # And behind what is seen first, but where one looks into a skirt from below.
        deep = samples.signed_distance[i][samples.inside[i]] < -0.02
        before = model[deep, 2] > views.z_front[i, v[deep], u[deep]] + 0.02
        assert before.float().mean() < 0.05
