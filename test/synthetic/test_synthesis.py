"""From seeds to all that a network learns from."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.samples import SamplingConfig
from pifuhd_ros.synthetic.synthesis import (
    MakePeople,
    Supervision,
    SynthesisConfig,
    person_maker,
    sample_placements,
    synthesize,
)
from pifuhd_ros.synthetic.wardrobe import Wardrobe

CONFIG = SynthesisConfig(size_px=128, views=2, sampling=SamplingConfig(points=1024))


@pytest.fixture(scope="module")
def make(wardrobe: Wardrobe, body: BodyModel) -> MakePeople:
    return person_maker(wardrobe, body, "train")


@pytest.fixture(scope="module")
def made(make: MakePeople) -> Supervision:
    return synthesize(make, (3, 7), CONFIG)


def test_every_person_has_its_views_and_points(made: Supervision) -> None:
    assert made.views.person == (0, 0, 1, 1)
    assert made.views.mask.shape == (4, 128, 128)
    assert made.occlusion.ambient.shape == (4, 1, 128, 128)
    assert made.samples.points.shape == (2, 1024, 3)
    assert made.stature_m.shape == (2,)
    share = made.views.mask.float().mean((1, 2))
    assert ((share > 0.03) & (share < 0.7)).all()
    for name, values in {**vars(made.views), **vars(made.occlusion), **vars(made.samples)}.items():
        if isinstance(values, torch.Tensor):
            assert torch.isfinite(values).all(), name


def test_the_first_view_is_from_the_front(people: People) -> None:
    views = [sample_placements(people, 0, 2, seed) for seed in range(40)]
    assert all(first.rotation[2, 2] > 0.5 for first, _ in views)
    assert any(second.rotation[2, 2] < 0 for _, second in views)


def test_who_else_is_in_the_batch_changes_nothing(make: MakePeople, made: Supervision) -> None:
    """To the last bit: pictures, points, labels; light but for rounding."""
    alone = synthesize(make, [7], CONFIG)
    for field in dataclasses.fields(alone.views):
        values = getattr(alone.views, field.name)
        if isinstance(values, torch.Tensor):
            assert torch.equal(values, getattr(made.views, field.name)[2:]), field.name
    for name, values in vars(alone.samples).items():
        assert torch.equal(values[0], getattr(made.samples, name)[1]), name
    for name, values in vars(alone.occlusion).items():
        assert torch.allclose(values, getattr(made.occlusion, name)[2:], atol=1e-4), name
    for mine, same in zip(alone.views.placements, made.views.placements[2:], strict=True):
        assert torch.equal(mine.rotation, same.rotation)
        assert torch.equal(mine.centre_m, same.centre_m)
        assert (mine.scale, mine.inverse_distance) == (same.scale, same.inverse_distance)


def test_the_same_seed_gives_the_same_again(make: MakePeople, made: Supervision) -> None:
    again = synthesize(make, (3, 7), CONFIG)
    assert torch.equal(again.views.albedo, made.views.albedo)
    assert torch.equal(again.occlusion.ambient, made.occlusion.ambient)
    assert torch.equal(again.samples.signed_distance, made.samples.signed_distance)
