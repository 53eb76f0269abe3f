"""Validation pictures show what they say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from tiny import TINY, Balls

from pifuhd_ros.training.pictures import draw_validation
from pifuhd_ros.training.pieces import PieceMaker
from pifuhd_ros.training.tensorboard import Board
from pifuhd_ros.training.trainer import new_network
from pifuhd_ros.types import ConfigError

_SIZE = TINY.coarse_size
_BATCH = PieceMaker(Balls(), 0, "all", 5, 300, TINY.fine_size, _SIZE)(0)


def test_four_people_beside_their_truth() -> None:
    network = new_network(TINY, 0).eval()
    pictures = draw_validation(network, _BATCH, ("normals", "coarse", "fine"))
    assert set(pictures) == {"normals", "depth", "occupancy"}
    assert pictures["normals"].shape == (3, 4 * _SIZE, 5 * _SIZE)
    assert all(p.min() >= 0 and p.max() <= 1 for p in pictures.values())
    true_front = pictures["normals"][:, :_SIZE, 2 * _SIZE : 3 * _SIZE]
    expected = (_BATCH.front[0] / 2 + 0.5) * (_BATCH.mask[0] > 0.5)
    assert torch.allclose(true_front, expected, atol=1e-6)
    # The labelled points of a ball make a disc from the side as well.
    disc = pictures["occupancy"][0, :48, 3 * 48 :]
    assert disc[20:28, 20:28].mean() > 0.05
    assert disc[:5].sum() == 0


def test_normals_alone_have_one_picture() -> None:
    assert set(draw_validation(new_network(TINY, 0), _BATCH, ("normals",))) == {"normals"}


def test_a_board_is_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    board = Board(tmp_path)
    board.add_figures("fine", {"loss": 0.5, "nothing": float("nan")}, 3)
    board.add_pictures("fine", {"normals": torch.rand(3, 8, 8)}, 3)
    board.close()
    [events] = tmp_path.iterdir()
    content = events.read_bytes()
    assert b"fine/loss" in content
    assert b"fine/normals" in content
    assert b"fine/nothing" not in content


def test_a_missing_tensorboard_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="--no-board"):
        Board(tmp_path)
