"""Whole poses of one body from the tables: a stance, then what the arms do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch

from pifuhd_ros.geometry.rotations import matrix_from_axis_angle
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.gestures import Gesture, Leg, Stance
from pifuhd_ros.synthetic.limbs import (
    MIRROR,
    about,
    about_x,
    about_y,
    bent_arm,
    clear_of_trunk,
    curl_fingers,
    knuckle_axis,
    mirrored,
    place_arm,
    place_leg,
    raise_shoulder,
)
from pifuhd_ros.synthetic.pose_rig import PoseRig, landmark_row
from pifuhd_ros.synthetic.random import Dice

_SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
_NECK = ("neck01", "neck02", "neck03", "head")
_ARM = ("clavicle", "shoulder01", "upperarm", "lowerarm", "wrist", "metacarpal", "finger")


def _turn_chain(
    rotations: torch.Tensor, rig: PoseRig, chain: Sequence[str], turn: torch.Tensor
) -> None:
    """Spreads a turn, an axis-angle vector (3,) in degrees, over a chain of bones, in place."""
    share = matrix_from_axis_angle(turn * (math.pi / 180 / len(chain)))
    for name in chain:
        rotations[rig.bones[name]] = share


def _jitter_leg(leg: Leg, dice: Dice, strength: float) -> Leg:
    n = (dice.normal(5).clamp(-2, 2) * strength).tolist()
    return replace(
        leg,
        flex=leg.flex + n[0] * (3 + 0.06 * leg.flex),
        spread=leg.spread + 2 * n[1],
        turn=leg.turn + 5 * n[2],
        knee=max(0.0, leg.knee + n[3] * (2 + 0.06 * leg.knee)),
        point=leg.point + 3 * n[4],
    )


def take_stance(rig: PoseRig, stance: Stance, dice: Dice, strength: float) -> torch.Tensor:
    """Legs, trunk and head of a stance, varied; the arms are left as at rest.

    Args:
        rig: The body's.
        stance: Or its mirror image.
        dice: Of the variation.
        strength: Of the variation; 0 for none, 1 for the most.

    Returns:
        Rotations (bones, 3, 3).
    """
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


def _aim_arm(
    rig: PoseRig,
    arm: torch.Tensor,
    gesture: Gesture,
    heads: torch.Tensor,
    places: torch.Tensor,
    upright: torch.Tensor,
    lift: torch.Tensor,
    noise: torch.Tensor,
) -> None:
    """Turns the left arm into a gesture, in place.

    Args:
        rig: The body's.
        arm: (bones, 3, 3) unturned.
        gesture: What the arm does.
        heads: (bones, 3) rest heads.
        places: (L, 3) landmarks of this side in the chest's axes [m].
        upright: (3, 3) the chest's axes from those of a person who stands upright.
        lift: (3,) added to the place that the wrist is brought to [m].
        noise: (4, 3) standard normal numbers, scaled by the strength of the variation.
    """
    joints = [heads[rig.bones[f"{name}.L"]] for name in ("upperarm01", "lowerarm01", "wrist")]
    if gesture.touches:
        wrist = places[landmark_row(gesture.touches)] + lift + 0.012 * noise[0]
        elbow_side = unit(torch.tensor(gesture.upper), 0) + 0.15 * noise[1]
        upper_m, lower_m = (float((b - a).norm()) for a, b in pairwise(joints))
        upper, lower = bent_arm(joints[0], wrist, elbow_side, upper_m, lower_m)
        raise_shoulder(arm, rig.bones, upper)
        collar = rig.bones["clavicle.L"]
        shoulder = heads[collar] + arm[collar] @ (joints[0] - heads[collar])
        upper, lower = bent_arm(shoulder, wrist, elbow_side, upper_m, lower_m)
    else:
        upper = upright @ unit(unit(torch.tensor(gesture.upper), 0) + 0.1 * noise[0], 0)
        lower = upright @ unit(unit(torch.tensor(gesture.lower), 0) + 0.12 * noise[1], 0)
        sides = torch.stack([places[landmark_row(name)] for name in ("waist", "hip")])
        upper, lower = clear_of_trunk(joints, upper, lower, sides)
        raise_shoulder(arm, rig.bones, upper)
    place_arm(arm, rig.bones, heads, upper, lower, gesture.turn_deg + 12 * float(noise[2, 0]))
    bend = about(knuckle_axis(rig.bones, heads), gesture.bend_deg)
    shake = matrix_from_axis_angle(noise[3] * math.radians(7))
    arm[rig.bones["wrist.L"]] = arm[rig.bones["wrist.L"]] @ bend @ shake


def make_gestures(
    rig: PoseRig,
    rotations: torch.Tensor,
    gestures: tuple[Gesture, Gesture],
    rest: torch.Tensor,
    heads: torch.Tensor,
    dice: Dice,
    strength: float,
) -> torch.Tensor:
    """The same pose with other arms and hands.

    Args:
        rig: The body's.
        rotations: (bones, 3, 3); legs and trunk are kept.
        gestures: Of the left and the right arm.
        rest: (V, 3) rest vertices.
        heads: (bones, 3) rest heads.
        dice: Of the variation.
        strength: Of the variation; 0 for none, 1 for the most.

    Returns:
        Rotations (bones, 3, 3).
    """
    result = rotations.clone()
    is_arm = torch.tensor([name.startswith(_ARM) for name in rig.body.bones])
    result[is_arm] = torch.eye(3)
    transforms = rig.body.bone_transforms(heads[None], result[None])[0][0]
    chest, origin = transforms[rig.bones["spine01"]].split([3, 1], 1)
    places = (rig.posed_landmarks(rest, transforms) - origin[:, 0]) @ chest
    heading = math.degrees(math.atan2(float(chest[0, 2]), float(chest[2, 2])))
    upright = chest.mT @ about_y(heading)
    above = dice.integer(2)
    for side, gesture in enumerate(gestures):
        noise = dice.normal(4, 3).clamp(-2, 2) * strength
        lift = torch.tensor(gesture.offset)
        if side == above and gestures[0] == gestures[1]:
            lift = lift + torch.tensor(gesture.stack)
        arm = torch.eye(3).repeat(len(rig.bones), 1, 1)
        # The right arm is posed as the left one of the mirror image.
        mine = heads if side == 0 else heads[rig.opposite] @ MIRROR
        if side == 0:
            _aim_arm(rig, arm, gesture, mine, places[0], upright, lift, noise)
        else:
            axes = mirrored(upright)
            _aim_arm(rig, arm, gesture, mine, places[1] @ MIRROR, axes, lift, noise)
        share = 0.7 * float(dice.rand(1)) + 0.3 * dice.rand(5)
        curl_fingers(arm, rig.bones, mine, gesture.hand, share)
        turned = arm if side == 0 else mirrored(arm[rig.opposite])
        result[is_arm] = result[is_arm] @ turned[is_arm]
    return result
