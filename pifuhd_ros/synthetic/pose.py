"""Poses: the folder's and those of the tables, mixed and varied; most people stand.

Training mixes stances and gestures further than the tables go, so that networks learn bodies and
not a list of poses. Held-out people take what is held out as it stands in the tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.geometry.rotations import blend_rotations, matrix_from_axis_angle
from pifuhd_ros.synthetic.gestures import (
    GESTURES,
    LAP_GESTURES,
    LAP_STANCES,
    RUN_GESTURES,
    RUN_STANCES,
    STANCES,
    Gesture,
    Leg,
    Stance,
    Vector,
)
from pifuhd_ros.synthetic.limbs import about_z, mirrored
from pifuhd_ros.synthetic.pose_rig import PoseRig
from pifuhd_ros.synthetic.posture import make_gestures, take_stance
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.self_intersection import intersects_itself
from pifuhd_ros.synthetic.split import Split, pick_named, pick_pairs
from pifuhd_ros.synthetic.wardrobe import Wardrobe

_NOISE_DEG = {
    "spine05": 3, "spine03": 3, "spine01": 3, "neck01": 5, "head": 6,
    "clavicle": 3, "upperarm01": 12, "lowerarm01": 10, "wrist": 10,
    "upperleg01": 6, "lowerleg01": 6, "foot": 5,
}  # fmt: skip
_HARD = ("dance", "fight", "fly", "run")
_LYING = ("fly",)
"""Shown upright, as if they stood: people do not fly at robots."""
_TRIES = 12
_MIXED = 0.4
"""Share of the training's stances, and of its gestures, that lie between those of the tables."""
_CALM_ARM = next(gesture for gesture in GESTURES if gesture.name == "hang_wide")

T = TypeVar("T", Gesture, Stance)


def _noise(body: BodyModel, dice: Dice, strength: float) -> torch.Tensor:
    """(bones, 3, 3) small random turns."""
    degrees = [
        next((v for k, v in _NOISE_DEG.items() if bone.startswith(k)), 0) for bone in body.bones
    ]
    turn = dice.normal(len(body.bones), 3).clamp(-2, 2)
    return matrix_from_axis_angle(turn * torch.tensor(degrees)[:, None] * math.radians(strength))


def _pick(dice: Dice, items: Sequence[T], split: Split) -> T:
    """One of the split's, as often as its weight says."""
    mine = pick_named(items, split)
    return dice.weighted(mine, [item.weight for item in mine])


def _flip(rig: PoseRig, rotations: torch.Tensor) -> torch.Tensor:
    """The pose's mirror image."""
    return mirrored(rotations[rig.opposite])


def _folder_pose(
    rig: PoseRig, clips: Sequence[tuple[str, torch.Tensor]], dice: Dice, blend: bool
) -> torch.Tensor:
    """One of the folder's, or a mix of two (bones, 3, 3), its legs a little apart."""

    def one() -> torch.Tensor:
        name, frames = dice.choice(clips)
        frame = frames[dice.integer(len(frames))].cpu().clone()
        if name.startswith(_LYING):
            frame[rig.bones["root"]] = torch.eye(3)
        return _flip(rig, frame) if dice.chance(0.5) else frame

    pose = one()
    if blend:
        pose = blend_rotations(pose, one(), torch.tensor(dice.uniform(0, 1)))
    spread_deg = dice.uniform(0, 5)
    for side, sign in (("L", 1), ("R", -1)):
        thigh = rig.bones[f"upperleg01.{side}"]
        pose[thigh] = about_z(sign * spread_deg) @ pose[thigh]
    return pose


def _mix(a: Vector, b: Vector, t: float) -> Vector:
    x, y, z = torch.lerp(torch.tensor(a), torch.tensor(b), t).tolist()
    return x, y, z


def _blended(gesture: Gesture, other: Gesture, t: float) -> Gesture:
    """Between two gestures that touch nothing."""
    return replace(
        gesture,
        upper=_mix(gesture.upper, other.upper, t),
        lower=_mix(gesture.lower, other.lower, t),
    )


def _blended_leg(leg: Leg, other: Leg, t: float) -> Leg:
    mixed = {name: (1 - t) * angle + t * vars(other)[name] for name, angle in vars(leg).items()}
    return Leg(**mixed)


def _mixed_stance(stances: Sequence[Stance], dice: Dice) -> Stance:
    """Between two of the stances, or one leg from each, or each leg between the two."""
    first, other = (dice.weighted(stances, [s.weight**0.5 for s in stances]) for _ in range(2))
    whole = dice.uniform(0, 1)
    shares = (whole, whole) if dice.chance(0.5) else (dice.uniform(0, 1), dice.uniform(0, 1))
    left, right = (other.right, other.left) if dice.chance(0.5) else (other.left, other.right)
    return Stance(
        name="mixed",
        left=_blended_leg(first.left, left, shares[0]),
        right=_blended_leg(first.right, right, shares[1]),
        pitch=first.pitch + sum(shares) / 2 * (other.pitch - first.pitch),
        jitter=max(first.jitter, other.jitter),
    )


def _mixed_gesture(gestures: Sequence[Gesture], dice: Dice) -> Gesture:
    """An arm in the air: its parts from four gestures that touch nothing."""
    a, b, c, d = (dice.choice([g for g in gestures if not g.touches]) for _ in range(4))
    upper, lower = (dice.uniform(0, 1) for _ in range(2))
    return replace(a, upper=_mix(a.upper, b.upper, upper), lower=_mix(c.lower, d.lower, lower))


def _choose_gestures(stance: Stance | None, dice: Dice, split: Split) -> tuple[Gesture, Gesture]:
    """What the left and the right arm do."""
    if stance is not None and stance.name in RUN_STANCES and dice.chance(0.7):
        front, back = (g for g in GESTURES if g.name in RUN_GESTURES)
        return (front, back) if dice.chance(0.5) else (back, front)
    lap = stance is not None and stance.name in LAP_STANCES and dice.chance(0.5)
    pool = [g for g in GESTURES if (g.name in LAP_GESTURES) == lap]
    first = _pick(dice, pool, split)
    if split == "train" and not lap and dice.chance(_MIXED):
        mine = pick_named(pool, split)
        first, second = _mixed_gesture(mine, dice), _mixed_gesture(mine, dice)
        return first, (first if dice.chance(0.3) else second)
    if not first.touches and dice.chance(0.3):
        second = _pick(dice, [g for g in pool if not g.touches], split)
        first = _blended(first, second, dice.uniform(0, 1))
    calm = [g for g in pool if g.name.startswith("hang")] or pool
    other = first
    if not dice.chance(first.both):
        other = _pick(dice, calm if dice.chance(0.75) else pool, split)
    return (first, other) if dice.chance(0.5) else (other, first)


def _draft(
    wardrobe: Wardrobe,
    rig: PoseRig,
    dice: Dice,
    split: Split,
    rest: torch.Tensor,
    heads: torch.Tensor,
    strength: float,
) -> torch.Tensor:
    """A pose (bones, 3, 3), not yet tested."""
    clips = pick_pairs(wardrobe.poses, split)
    hard = [clip for clip in clips if clip[0].startswith(_HARD)]
    calm = [clip for clip in clips if not clip[0].startswith(_HARD)] or clips
    kind = dice.uniform(0, 1)
    if kind < 0.06 and hard:
        return _folder_pose(rig, hard, dice, False) @ _noise(rig.body, dice, 0.6 * strength)
    if kind < 0.26:
        whole = _folder_pose(rig, calm, dice, dice.chance(0.5))
        return whole @ _noise(rig.body, dice, strength)
    if kind < 0.29:
        # As people are scanned, their arms away from the body.
        return _noise(rig.body, dice, strength)
    stance = None
    if kind < 0.46:
        rotations = _folder_pose(rig, calm, dice, dice.chance(0.5))
        rotations = rotations @ _noise(rig.body, dice, 0.5 * strength)
    else:
        if split == "train" and dice.chance(_MIXED):
            stance = _mixed_stance(pick_named(STANCES, split), dice)
        else:
            stance = _pick(dice, STANCES, split)
        rotations = take_stance(rig, stance, dice, strength)
    gestures = _choose_gestures(stance, dice, split)
    return make_gestures(rig, rotations, gestures, rest, heads, dice, strength)


def sample_pose(
    wardrobe: Wardrobe,
    rig: PoseRig,
    dice: Dice,
    split: Split,
    rest: torch.Tensor,
    heads: torch.Tensor,
) -> torch.Tensor:
    """Draws poses until one does not run through itself; the later tries vary less.

    Of 200 people 160 kept their first draw and none needed more than four. Where all are
    rejected, the person stands with hanging arms.

    Args:
        wardrobe: Holds the folder's poses.
        rig: Of the body, made once.
        dice: Source of the draws.
        split: Which of the folder's poses, gestures and stances may be used.
        rest: (V, 3) this person's rest vertices.
        heads: (bones, 3) this person's rest bone heads.

    Returns:
        Rotations (bones, 3, 3) relative to the parent, in the rest pose's axes, on the CPU.
    """
    rest, heads = rest.cpu(), heads.cpu()
    for attempt in range(_TRIES):
        strength = dice.uniform(0.4, 1.0) * (1 - attempt / _TRIES)
        rotations = _draft(wardrobe, rig, dice, split, rest, heads, strength)
        transforms = rig.body.bone_transforms(heads[None], rotations[None])[0][0]
        if not intersects_itself(rig.body, rig.probes, rest, heads, transforms):
            return rotations
    standing = take_stance(rig, STANCES[0], dice, 0.0)
    return make_gestures(rig, standing, (_CALM_ARM, _CALM_ARM), rest, heads, dice, 0.0)
