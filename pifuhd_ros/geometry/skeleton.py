"""The joints that a detector and the generator both know, and the bones between them.

A skeleton is (19, 4) float32: x, y, z in model space, z from the middle of the hips, and 1 where
the joint is known, else 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

JOINTS = (
    *("nose", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand"),
    *("left_hip", "right_hip", "left_knee", "right_knee"),
    *("left_ankle", "right_ankle", "left_toe", "right_toe"),
)
"""In this order; left and right are the person's."""


class Bone(NamedTuple):
    """A capsule between the middles of two sets of joints."""

    begin: tuple[int, ...]
    """Numbers of joints."""
    end: tuple[int, ...]
    radius: float
    """About a body's, in model units: a standing person is some 1.8 high."""


def _bone(begin: str, end: str, radius: float) -> Bone:
    def numbers(names: str) -> tuple[int, ...]:
        return tuple(JOINTS.index(name) for name in names.split("+"))

    return Bone(numbers(begin), numbers(end), radius)


def _limbs(side: str) -> tuple[tuple[Bone, ...], tuple[Bone, ...]]:
    """The bones of one arm and of one leg."""
    shoulder, elbow, wrist, hand = (f"{side}_{n}" for n in ("shoulder", "elbow", "wrist", "hand"))
    hip, knee, ankle, toe = (f"{side}_{n}" for n in ("hip", "knee", "ankle", "toe"))
    arm = (_bone(shoulder, elbow, 0.05), _bone(elbow, wrist, 0.04), _bone(wrist, hand, 0.04))
    leg = (_bone(hip, knee, 0.08), _bone(knee, ankle, 0.055), _bone(ankle, toe, 0.045))
    return arm, leg


_EARS, _SHOULDERS = "left_ear+right_ear", "left_shoulder+right_shoulder"

BODY_PARTS: tuple[tuple[Bone, ...], ...] = (
    (_bone(_EARS, "nose", 0.08), _bone(_EARS, _SHOULDERS, 0.06)),
    (_bone("left_shoulder", "left_hip", 0.09), _bone("right_shoulder", "right_hip", 0.09)),
    *_limbs("left"),
    *_limbs("right"),
)
"""Head, trunk, left arm, left leg, right arm, right leg."""


def mirrored_order() -> list[int]:
    """For each joint the number of the one that takes its place in a mirror."""
    swap = {"left": "right", "right": "left"}
    sides = [name.split("_", 1) for name in JOINTS]
    other = [
        "_".join([swap[parts[0]], *parts[1:]]) if parts[0] in swap else parts[0] for parts in sides
    ]
    return [JOINTS.index(name) for name in other]


def mirrored(points: torch.Tensor, order: Sequence[int] | None = None) -> torch.Tensor:
    """Points (..., N, C ≥ 3) or their errors in a mirror: left is right, x is turned.

    ``order``: the point that takes each one's place; None: that of the joints.
    """
    # By slices: a list of numbers would be brought to the device, which no recording can do.
    swapped = torch.stack([points[..., number, :] for number in order or mirrored_order()], -2)
    return torch.cat([-swapped[..., :1], swapped[..., 1:]], -1)
