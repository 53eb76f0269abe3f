"""People made on the fly: the same for the same draw, others for validation, in any process."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from pifuhd_ros.cli.main import main
from pifuhd_ros.training.batches import make_batch
from pifuhd_ros.training.generated import GeneratedPeople


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_a_draw_is_the_same_people_in_every_process(packed_assets_file: Path) -> None:
    source = GeneratedPeople(packed_assets_file, views=2)
    first = source.draw(3, 64, _generator())
    again = pickle.loads(pickle.dumps(source)).draw(3, 64, _generator())
    assert len(first) == 3
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.albedo, other.albedo)
        assert torch.equal(one.points, other.points)
    # Two views show one person, the third another.
    assert torch.equal(first[0].inside, first[1].inside)
    assert not torch.equal(first[0].inside, first[2].inside)
    others = GeneratedPeople(packed_assets_file, views=2, validation=True).draw(3, 64, _generator())
    assert not torch.equal(first[0].inside, others[0].inside)


def test_a_batch_is_made_of_them(packed_assets_file: Path) -> None:
    views = GeneratedPeople(packed_assets_file).draw(2, 64, _generator())
    batch = make_batch(views, 32, 100, _generator())
    assert batch.image.shape == (2, 3, 64, 64)
    assert batch.points.abs().max() <= 1
    assert 0.1 < batch.inside.mean() < 0.8


def test_nobody_to_learn_from_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "lite_cpu", "--out", str(tmp_path / "run")]) != 0
    assert "--data" in capsys.readouterr().err
