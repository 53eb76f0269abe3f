"""Pieces of batches: the same however they are made, and made ahead of their use."""

from __future__ import annotations

import time

import pytest
import torch
from tiny import TINY, Balls

from pifuhd_ros.training.batches import Batch
from pifuhd_ros.training.pieces import PieceMaker, pieces_in_order

_CPU = torch.device("cpu")
_MAKER = PieceMaker(Balls(), 0, "all", 1, 50, TINY.fine_size, TINY.coarse_size)


@pytest.mark.parametrize(("workers", "ahead"), [(0, 1), (0, 3), (1, 0), (2, 2)])
def test_pieces_are_the_same_however_they_are_made(workers: int, ahead: int) -> None:
    numbers = [4, 5, 9, 1]
    with pieces_in_order(_MAKER, numbers, _CPU, workers, ahead) as pieces:
        made = list(pieces)
    assert len(made) == 4
    for number, piece in zip(numbers, made, strict=True):
        alone = _MAKER(number)
        assert torch.equal(piece.image, alone.image)
        assert torch.equal(piece.points, alone.points)
    assert not torch.equal(made[0].image, made[1].image)


def test_pieces_are_made_ahead_and_no_further() -> None:
    made: list[int] = []

    def make(number: int) -> Batch:
        made.append(number)
        return _MAKER(0)

    with pieces_in_order(make, range(100), _CPU, 0, 2) as pieces:
        next(pieces)
        deadline = time.monotonic() + 60
        while len(made) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
    # One was taken, two wait, and the thread holds one that has no place yet.
    assert made == [0, 1, 2, 3]


def test_what_fails_in_the_thread_is_raised_at_its_place() -> None:
    def make(number: int) -> Batch:
        if number == 1:
            raise ValueError("no such person")
        return _MAKER(number)

    with pieces_in_order(make, range(3), _CPU, 0, 2) as pieces:
        next(pieces)
        with pytest.raises(ValueError, match="no such person"):
            next(pieces)


def test_stages_and_seeds_see_other_people() -> None:
    other = [
        PieceMaker(Balls(), seed, stage, 1, 50, TINY.fine_size, TINY.coarse_size)(0).points
        for seed, stage in ((0, "all"), (1, "all"), (0, "fine"))
    ]
    assert not torch.equal(other[0], other[1])
    assert not torch.equal(other[0], other[2])
