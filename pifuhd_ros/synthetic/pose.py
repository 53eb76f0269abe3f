"""Poses: those of the assets, blended, with limb noise on top; most people stand."""

from __future__ import annotations

import math

import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.geometry.rotations import blend_rotations, matrix_from_axis_angle
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.split import Split, pick_pairs
from pifuhd_ros.synthetic.wardrobe import Wardrobe

_NOISE_DEG = {
    "spine05": 3, "spine03": 4, "spine01": 4, "neck01": 6, "head": 8,
    "clavicle": 3, "upperarm01": 16, "lowerarm01": 14, "wrist": 10,
    "upperleg01": 7, "lowerleg01": 6, "foot": 6, "finger": 8,
}  # fmt: skip
_HARD = ("fight", "fly", "run")


def _noise(body: BodyModel, dice: Dice, strength: float) -> torch.Tensor:
    """(bones, 3, 3) small random turns."""
    turn = dice.normal(len(body.bones), 3)
    degrees = torch.zeros(len(body.bones), 1)
    for i, bone in enumerate(body.bones):
        for key, value in _NOISE_DEG.items():
            if bone.startswith(key):
                degrees[i] = value
    return matrix_from_axis_angle(turn * degrees * (strength * math.pi / 180))


def sample_pose(wardrobe: Wardrobe, body: BodyModel, dice: Dice, split: Split) -> torch.Tensor:
    """Rotations (bones, 3, 3) relative to the parent, in the rest pose's axes."""
    poses = pick_pairs(wardrobe.poses, split)
    calm = [p for p in poses if not p[0].startswith(_HARD)]
    hard = [p for p in poses if p[0].startswith(_HARD)]
    use_hard = bool(hard) and dice.chance(0.12)
    first = dice.choice(hard if use_hard else calm)[1]
    rotations = first[dice.integer(len(first))]
    if not use_hard and dice.chance(0.6):
        second = dice.choice(calm)[1]
        rotations = blend_rotations(
            rotations, second[dice.integer(len(second))], torch.tensor(dice.uniform(0, 1))
        )
    if not use_hard and dice.chance(0.25):
        # The rest pose holds the arms away from the body, as people do when they are scanned.
        rest = torch.eye(3).expand_as(rotations)
        rotations = blend_rotations(rotations, rest, torch.tensor(dice.uniform(0.3, 1)))
    return rotations @ _noise(body, dice, dice.uniform(0.3, 1.0)).to(rotations.device)
