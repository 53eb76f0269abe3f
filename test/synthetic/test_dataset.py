"""Shards: what was written comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.dataset import (
    Shard,
    ViewSample,
    shard_path,
    view_samples,
    write_shard,
)
from pifuhd_ros.synthetic.samples import SamplingConfig
from pifuhd_ros.synthetic.synthesis import Supervision, SynthesisConfig, person_maker, synthesize
from pifuhd_ros.synthetic.wardrobe import Wardrobe
from pifuhd_ros.types import AssetError

SIZE, VIEWS, POINTS = 64, 2, 512


@pytest.fixture(scope="module")
def made(wardrobe: Wardrobe, body: BodyModel) -> Supervision:
    config = SynthesisConfig(SIZE, VIEWS, SamplingConfig(points=POINTS))
    return synthesize(person_maker(wardrobe, body, "train"), (3, 7), config)


@pytest.fixture(scope="module")
def shard_file(made: Supervision, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = shard_path(tmp_path_factory.mktemp("shards"), 0)
    write_shard(path, made, {"first_seed": "3", "split": "train"})
    return path


@pytest.fixture(scope="module")
def stored(shard_file: Path) -> ViewSample:
    """The second view of the second person, as read."""
    return Shard(shard_file).read(1, 1, with_body=True)


@pytest.fixture(scope="module")
def fresh(made: Supervision) -> ViewSample:
    """The same from memory."""
    return view_samples(made)[3]


def test_a_shard_says_what_it_holds(shard_file: Path) -> None:
    shard = Shard(shard_file)
    assert (shard.size_px, shard.views, shard.people) == (SIZE, VIEWS, 2)
    assert shard_file.name == "shard-00000.safetensors"
    assert [file.name for file in shard_file.parent.iterdir()] == [shard_file.name]


def test_maps_come_back_as_they_were_made(stored: ViewSample, fresh: ViewSample) -> None:
    assert torch.equal(stored.mask, fresh.mask)
    seen = fresh.mask > 0
    tolerances = {"albedo": 0.002, "normal_front": 0.01, "normal_back": 0.01, "z_front": 4e-5}
    tolerances |= {"z_back": 4e-5, "ambient": 0.003, "bent": 0.01}
    for name, tolerance in tolerances.items():
        difference = (getattr(stored, name) - getattr(fresh, name)).abs()
        assert difference[..., seen].max() < tolerance, name
        assert getattr(stored, name)[..., ~seen].abs().max() < 0.51, name
    for normals in (stored.normal_front, stored.normal_back):
        length = normals[:, seen].norm(dim=0)
        assert torch.allclose(length, torch.ones_like(length), atol=1e-3)


def test_points_come_back_as_they_were_made(stored: ViewSample, fresh: ViewSample) -> None:
    assert stored.points.shape == (POINTS, 3)
    assert torch.equal(stored.inside, fresh.inside)
    assert 0.1 < stored.inside.float().mean() < 0.8
    # Steps of 0.06 mm.
    assert (stored.signed_distance - fresh.signed_distance).abs().max() < 3.1e-5
    assert (stored.points - fresh.points).abs().max() < 2e-4
    a, b = stored.placement, fresh.placement
    assert torch.equal(a.rotation, b.rotation)
    assert torch.equal(a.centre_m, b.centre_m)
    assert (a.scale, a.inverse_distance) == pytest.approx((b.scale, b.inverse_distance))


def test_joints_come_back(stored: ViewSample, fresh: ViewSample) -> None:
    assert torch.equal(stored.joints, fresh.joints)
    assert torch.equal(stored.joints_visible, fresh.joints_visible)


def test_the_body_inside_the_clothes_comes_back(stored: ViewSample, fresh: ViewSample) -> None:
    assert stored.body is not None
    assert fresh.body is not None
    for name in ("normal_front", "normal_back"):
        difference = (getattr(stored.body, name) - getattr(fresh.body, name)).abs()
        assert difference.max() < 0.01, name
    seen = fresh.mask > 0
    assert (stored.body.albedo_back - fresh.body.albedo_back).abs()[:, seen].max() < 0.002


def test_it_is_read_only_where_it_is_asked_for(shard_file: Path) -> None:
    assert Shard(shard_file).read(0, 0).body is None


def test_views_are_averaged_over_the_person_alone(shard_file: Path, fresh: ViewSample) -> None:
    half = Shard(shard_file).read(1, 1, SIZE // 2)
    blocks = fresh.mask.view(SIZE // 2, 2, SIZE // 2, 2).mean((1, 3))
    assert torch.allclose(half.mask, blocks)
    total = (fresh.albedo * fresh.mask).view(3, SIZE // 2, 2, SIZE // 2, 2).mean((2, 4))
    some = blocks > 0
    assert torch.allclose((total / blocks)[:, some], half.albedo[:, some], atol=0.003)
    length = half.normal_front[:, some].norm(dim=0)
    assert torch.allclose(length, torch.ones_like(length), atol=1e-3)


def test_the_same_people_make_the_same_shard(
    made: Supervision, shard_file: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.safetensors"
    write_shard(again, made, {"first_seed": "3", "split": "train"})
    before, after = load_file(shard_file), load_file(again)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_cannot_be_read_says_so(shard_file: Path, tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="averaged down to 48"):
        Shard(shard_file).read(0, 0, 48)
    other = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, str(other))
    with pytest.raises(AssetError, match="pifuhd synthesize"):
        Shard(other)
