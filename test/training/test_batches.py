"""Batches: truth and picture stay aligned, and a folder gives the same people every time."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from tiny import SIZE

from pifuhd_ros.synthetic.frame_edges import FrameEdges
from pifuhd_ros.training import batches
from pifuhd_ros.training.batches import Batch, People, make_batch
from pifuhd_ros.types import AssetError


def _batch(people: Path, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    views = People([people]).draw(3, SIZE, generator)
    return make_batch(views, SIZE // 2, 100, generator)


def test_batches_depend_on_the_seed_alone(people: Path) -> None:
    one, two, other = _batch(people), _batch(people), _batch(people, seed=1)
    assert torch.equal(one.image, two.image)
    assert torch.equal(one.points, two.points)
    assert not torch.equal(one.image, other.image)


def test_a_folder_that_was_read_goes_to_another_process(people: Path) -> None:
    source = People([people])
    source.draw(2, SIZE, torch.Generator().manual_seed(0))
    copy = pickle.loads(pickle.dumps(source))
    [one] = source.draw(1, SIZE, torch.Generator().manual_seed(1))
    [two] = copy.draw(1, SIZE, torch.Generator().manual_seed(1))
    assert torch.equal(one.z_front, two.z_front)


def test_training_and_validation_share_no_shard(people: Path) -> None:
    train, validation = People([people]), People([people], validation=True)
    assert set(train.paths(SIZE)).isdisjoint(validation.paths(SIZE))
    assert len(train.paths(SIZE)) + len(validation.paths(SIZE)) == 22


def test_a_stage_takes_the_folders_with_large_enough_views(people: Path) -> None:
    both = People([people, people])
    assert len(both.paths(SIZE // 2)) == 2 * len(People([people]).paths(SIZE))
    with pytest.raises(AssetError, match=f"views of {2 * SIZE} px are needed, and .* {SIZE} px"):
        both.draw(1, 2 * SIZE, torch.Generator())


def test_batches_keep_truth_and_picture_aligned(people: Path) -> None:
    batch = _batch(people)
    assert batch.image.min() >= -1
    assert batch.image.max() <= 1
    assert batch.front.shape == (3, 3, SIZE // 2, SIZE // 2)
    # The ball's normals point away from its middle, mirrored or not.
    grid = torch.linspace(-1, 1, SIZE // 2)
    right = (grid > 0.2).expand(SIZE // 2, -1) & (batch.mask[:, 0] > 0.9)
    assert (batch.front[:, 0][right] > 0).all()
    assert (batch.back[:, 2][batch.mask[:, 0] > 0.9] <= 0).all()
    # Front and back are as deep as each other, deepest in the middle.
    assert torch.allclose(batch.depth[:, 0], -batch.depth[:, 1], atol=1e-3)
    middle = batch.depth[:, 0, SIZE // 4, SIZE // 4]
    assert ((middle > 0.35) & (middle < 0.62)).all()


def test_beyond_the_photos_edge_is_nothing(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_the_middle(count: int, generator: object, device: torch.device) -> FrameEdges:
        far = torch.full((count,), 2.0)
        return FrameEdges(-far, far, torch.zeros(count))

    monkeypatch.setattr(batches, "sample_frame_edges", at_the_middle)
    batch = _batch(people)
    below = batch.points[..., 1] < 0
    assert batch.inside[~below].any()
    assert not batch.inside[below].any()
    half = SIZE // 2
    assert bool((batch.image[:, :, half:] == -1).all())
    assert batch.image[:, :, :half].max() > -0.9
    assert not batch.mask[:, :, half // 2 :].any()
    assert not batch.front[:, :, half // 2 :].any()
    assert batch.mask[:, :, : half // 2].any()


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="pifuhd synthesize"):
        People([tmp_path])
