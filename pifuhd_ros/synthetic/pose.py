"""Poses: the folder's and those of the tables, mixed and varied; most people stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.geometry.rotations import blend_rotations, matrix_from_axis_angle
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.gestures import (
    GESTURES,
    LAP_GESTURES,
    LAP_STANCES,
    STANCES,
    Gesture,
    Leg,
    Stance,
)
from pifuhd_ros.synthetic.limbs import (
    MIRROR,
    about_x,
    about_y,
    about_z,
    bent_arm,
    curl_fingers,
    mirrored,
    place_arm,
    place_leg,
    raise_shoulder,
)
from pifuhd_ros.synthetic.pose_rig import PoseRig, landmark_row
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.self_intersection import intersects_itself
from pifuhd_ros.synthetic.split import Split, pick_pairs
from pifuhd_ros.synthetic.wardrobe import Wardrobe

_NOISE_DEG = {
    "spine05": 3, "spine03": 3, "spine01": 3, "neck01": 5, "head": 6,
    "clavicle": 3, "upperarm01": 12, "lowerarm01": 10, "wrist": 10,
    "upperleg01": 6, "lowerleg01": 6, "foot": 5,
}  # fmt: skip
_SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
_NECK = ("neck01", "neck02", "neck03", "head")
_ARM = ("clavicle", "shoulder01", "upperarm", "lowerarm", "wrist", "metacarpal", "finger")
_HARD = ("fight", "fly", "run")
_TRIES = 12

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
    mine = [item for _, item in pick_pairs([(item.name, item) for item in items], split)]
    weights = torch.tensor([item.weight for item in mine])
    if float(weights.sum()) == 0:
        return dice.choice(mine)
    edges = weights.cumsum(0)
    return mine[int((edges <= dice.uniform(0, float(edges[-1]))).sum())]


def _flip(rig: PoseRig, rotations: torch.Tensor) -> torch.Tensor:
    """The pose's mirror image."""
    return mirrored(rotations[rig.opposite])


def _folder_pose(
    rig: PoseRig, clips: Sequence[tuple[str, torch.Tensor]], dice: Dice, blend: bool
) -> torch.Tensor:
    """One of the folder's, or a mix of two (bones, 3, 3)."""

    def one() -> torch.Tensor:
        frames = dice.choice(clips)[1]
        frame = frames[dice.integer(len(frames))].cpu()
        return _flip(rig, frame) if dice.chance(0.5) else frame

    first = one()
    return blend_rotations(first, one(), torch.tensor(dice.uniform(0, 1))) if blend else first


def _turn_chain(rotations: torch.Tensor, rig: PoseRig, chain: Sequence[str], turn: torch.Tensor) -> None:
    """Spreads a turn, an axis-angle vector (3,) in degrees, over a chain of bones, in place."""
    share = matrix_from_axis_angle(turn * (math.pi / 180 / len(chain)))
    for name in chain:
        rotations[rig.bones[name]] = share


def _jitter_leg(leg: Leg, dice: Dice, strength: float) -> Leg:
    n = (dice.normal(5).clamp(-2, 2) * strength).tolist()
    return Leg(
        flex=leg.flex + n[0] * (3 + 0.06 * leg.flex),
        spread=leg.spread + 2 * n[1],
        turn=leg.turn + 5 * n[2],
        knee=max(0.0, leg.knee + n[3] * (2 + 0.06 * leg.knee)),
        point=leg.point + 3 * n[4],
    )


def _stand(rig: PoseRig, stance: Stance, dice: Dice, strength: float) -> torch.Tensor:
    """Legs, trunk and head of a stance (bones, 3, 3); the arms are left as at rest."""
    rotations = torch.eye(3).repeat(len(rig.bones), 1, 1)
    left, right = (stance.right, stance.left) if dice.chance(0.5) else (stance.left, stance.right)
    noise = strength * stance.jitter
    pitch = stance.pitch + strength * (1.5 + 0.1 * abs(stance.pitch)) * float(dice.normal(1))
    rotations[rig.bones["root"]] = about_x(pitch)
    for side, leg in (("L", left), ("R", right)):
        # The pitch's noise is taken out again, so that the feet stay under the body.
        leg = replace(_jitter_leg(leg, dice, noise), flex=leg.flex + pitch - stance.pitch)
        place_leg(rotations, rig.bones, leg, side, pitch)
    trunk = dice.normal(3).clamp(-2.2, 2.2) * torch.tensor([5.0, 9.0, 3.5])
    look = dice.normal(3).clamp(-2.2, 2.2) * torch.tensor([8.0, 17.0, 5.0])
    look[0] -= 0.45 * pitch
    _turn_chain(rotations, rig, _SPINE, trunk * strength)
    _turn_chain(rotations, rig, _NECK, look * strength)
    return rotations


def _blended(gesture: Gesture, other: Gesture, t: float) -> Gesture:
    """Between two gestures that touch nothing."""

    def mix(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
        x, y, z = torch.lerp(torch.tensor(a), torch.tensor(b), t).tolist()
        return x, y, z

    return replace(
        gesture, upper=mix(gesture.upper, other.upper), lower=mix(gesture.lower, other.lower)
    )


def _choose_gestures(stance: Stance | None, dice: Dice, split: Split) -> tuple[Gesture, Gesture]:
    """What the left and the right arm do."""
    lap = stance is not None and stance.name in LAP_STANCES and dice.chance(0.5)
    pool = [g for g in GESTURES if (g.name in LAP_GESTURES) == lap]
    first = _pick(dice, pool, split)
    if not first.touches and dice.chance(0.3):
        second = _pick(dice, [g for g in pool if not g.touches], split)
        first = _blended(first, second, dice.uniform(0, 1))
    calm = [g for g in pool if g.name.startswith("hang")] or pool
    other = first
    if not dice.chance(first.both):
        other = _pick(dice, calm if dice.chance(0.75) else pool, split)
    return (first, other) if dice.chance(0.5) else (other, first)


def _gesture_arms(
    rig: PoseRig,
    rotations: torch.Tensor,
    gestures: tuple[Gesture, Gesture],
    rest: torch.Tensor,
    heads: torch.Tensor,
    dice: Dice,
    strength: float,
) -> torch.Tensor:
    """The same pose (bones, 3, 3) with both arms moved.

    Args:
        rig: The body's.
        rotations: (bones, 3, 3); legs and trunk are kept.
        gestures: Of the left and the right arm.
        rest: (V, 3) rest vertices.
        heads: (bones, 3) rest heads.
        dice: Of the variation.
        strength: Of the variation.
    """
    result = rotations.clone()
    is_arm = torch.tensor([name.startswith(_ARM) for name in rig.body.bones])
    result[is_arm] = torch.eye(3)
    transforms = rig.body.bone_transforms(heads[None], result[None])[0][0]
    chest, origin = transforms[rig.bones["spine01"]].split([3, 1], 1)
    places = (rig.posed_landmarks(rest, transforms) - origin[:, 0]) @ chest
    heading = math.degrees(math.atan2(float(chest[0, 2]), float(chest[2, 2])))
    upright = chest.mT @ about_y(heading)
    for side, gesture in enumerate(gestures):
        flip = MIRROR if side == 1 else torch.eye(3)
        mine = heads[rig.opposite] @ MIRROR if side == 1 else heads
        noise = dice.normal(4, 3).clamp(-2, 2) * strength
        arm = torch.eye(3).repeat(len(rig.bones), 1, 1)
        upper = torch.tensor(gesture.upper)
        joints = [mine[rig.bones[f"{n}.L"]] for n in ("upperarm01", "lowerarm01", "wrist")]
        if gesture.touches:
            place = flip @ places[side, landmark_row(gesture.touches)]
            wrist = place + torch.tensor(gesture.offset) + 0.012 * noise[0]
            elbow_side = unit(upper, 0) + 0.15 * noise[1]
            lengths = [float((b - a).norm()) for a, b in zip(joints, joints[1:])]
            u, f = bent_arm(joints[0], wrist, elbow_side, lengths[0], lengths[1])
            raise_shoulder(arm, rig.bones, u)
            collar = mine[rig.bones["clavicle.L"]]
            lifted = collar + arm[rig.bones["clavicle.L"]] @ (joints[0] - collar)
            u, f = bent_arm(lifted, wrist, elbow_side, lengths[0], lengths[1])
        else:
            u = flip @ upright @ flip @ unit(unit(upper, 0) + 0.1 * noise[0], 0)
            f = flip @ upright @ flip @ unit(
                unit(torch.tensor(gesture.lower), 0) + 0.12 * noise[1], 0
            )
            raise_shoulder(arm, rig.bones, u)
        place_arm(arm, rig.bones, mine, u, f, gesture.turn_deg + 12 * float(noise[2, 0]))
        bend = matrix_from_axis_angle(noise[3] * math.radians(7))
        arm[rig.bones["wrist.L"]] = arm[rig.bones["wrist.L"]] @ bend
        result[is_arm] = result[is_arm] @ (mirrored(arm[rig.opposite]) if side == 1 else arm)[is_arm]
    return result


def _draft(
    clips: Sequence[tuple[str, torch.Tensor]],
    rig: PoseRig,
    dice: Dice,
    split: Split,
    rest: torch.Tensor,
    heads: torch.Tensor,
    strength: float,
) -> tuple[torch.Tensor, tuple[Gesture, Gesture] | None]:
    """A pose (bones, 3, 3), not yet tested, and its gestures where it has any."""
    mine = pick_pairs(clips, split)
    hard = [clip for clip in mine if clip[0].startswith(_HARD)]
    calm = [clip for clip in mine if clip not in hard] or mine
    kind = dice.uniform(0, 1)
    if kind < 0.08 and hard:
        return _folder_pose(rig, hard, dice, False) @ _noise(rig.body, dice, 0.6 * strength), None
    if kind < 0.28:
        rotations = _folder_pose(rig, calm, dice, dice.chance(0.5))
        return rotations @ _noise(rig.body, dice, strength), None
    if kind < 0.31:
        # As people are scanned, their arms away from the body.
        rotations = torch.eye(3).repeat(len(rig.bones), 1, 1)
        return rotations @ _noise(rig.body, dice, strength), None
    if kind < 0.48:
        stance = None
        rotations = _folder_pose(rig, calm, dice, dice.chance(0.5))
        rotations = rotations @ _noise(rig.body, dice, 0.5 * strength)
    else:
        stance = _pick(dice, STANCES, split)
        rotations = _stand(rig, stance, dice, strength)
    gestures = _choose_gestures(stance, dice, split)
    return _gesture_arms(rig, rotations, gestures, rest, heads, dice, strength), gestures


def sample_pose(
    wardrobe: Wardrobe,
    rig: PoseRig,
    dice: Dice,
    split: Split,
    rest: torch.Tensor,
    heads: torch.Tensor,
) -> torch.Tensor:
    """Draws poses until one does not run through itself; the later tries vary less.

    Args:
        wardrobe: Holds the folder's poses.
        rig: Of the body.
        dice: Source of the draws.
        split: Which poses may be used.
        rest: (V, 3) this person's rest vertices.
        heads: (bones, 3) this person's rest bone heads.

    Returns:
        Rotations (bones, 3, 3) relative to the parent, in the rest pose's axes, on the CPU.
    """
    rest, heads = rest.cpu(), heads.cpu()
    for attempt in range(_TRIES):
        strength = dice.uniform(0.4, 1.0) * (1 - attempt / _TRIES)
        rotations, gestures = _draft(wardrobe.poses, rig, dice, split, rest, heads, strength)
        transforms = rig.body.bone_transforms(heads[None], rotations[None])[0][0]
        if not intersects_itself(rig.body, rig.probes, rest, heads, transforms):
            break
    return rotations
