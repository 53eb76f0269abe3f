"""Crops of people whom no training has seen, as large as a network sees them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pifuhd_ros.evaluation.held_out import HeldOutPeople
from pifuhd_ros.evaluation.inputs import give_input
from pifuhd_ros.types import PersonCrop


def held_out_crops(assets: Path, size: int, people: int) -> Iterator[PersonCrop]:
    """Of photos that show the people as large as the crop has pixels, with the true masks.

    Args:
        assets: packed; what the people are made of.
        size: side of the crops [px].
        people: how many of them.
    """
    held_out = HeldOutPeople.from_assets(assets, seed=0, photo_px=size, samples=1)
    for number in range(people):
        yield give_input(held_out.make(number), "true", lambda frame: [], size).crop
