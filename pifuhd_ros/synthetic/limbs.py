"""Turns of arms, legs and hands that reach a wanted place or direction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from pifuhd_ros.geometry.rotations import matrix_from_axis_angle
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.gestures import Hand, Leg

Side = str
"""L or R."""
MIRROR = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
_CURLS_DEG: dict[Hand, tuple[float, float]] = {
    "relaxed": (0.0, 28.0), "open": (-14.0, 6.0), "fist": (48.0, 68.0), "point": (45.0, 66.0),
}  # fmt: skip


_HAND_M = 0.12
_STRAIGHT_DEG = 30.0
"""Below this bend of the elbow, its plane says less and less about the arm's twist."""
_TWIST_DEG = 150.0
"""How far an upper arm turns about itself."""


def about(axis: torch.Tensor, degrees: float) -> torch.Tensor:
    """A turn (3, 3) about a unit axis (3,)."""
    return matrix_from_axis_angle(axis * math.radians(degrees))


def about_x(degrees: float) -> torch.Tensor:
    """A turn (3, 3) about +x."""
    return about(torch.tensor([1.0, 0, 0]), degrees)


def about_y(degrees: float) -> torch.Tensor:
    """A turn (3, 3) about +y."""
    return about(torch.tensor([0, 1.0, 0]), degrees)


def about_z(degrees: float) -> torch.Tensor:
    """A turn (3, 3) about +z."""
    return about(torch.tensor([0, 0, 1.0]), degrees)


def mirrored(rotations: torch.Tensor) -> torch.Tensor:
    """Rotations (..., 3, 3) as a mirror on the plane x = 0 shows them."""
    return MIRROR @ rotations @ MIRROR


def _shortest_turn(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The turn (3, 3) that takes unit a to unit b along the shortest arc."""
    axis = torch.linalg.cross(a, b)
    angle = torch.atan2(axis.norm(), a @ b)
    return matrix_from_axis_angle(unit(axis, 0) * angle)


def _frame(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Columns: ``first``, across both, and the rest (3, 3)."""
    across = unit(torch.linalg.cross(first, second), 0)
    return torch.stack([first, across, torch.linalg.cross(first, across)], 1)


def _angle_deg(a: torch.Tensor, b: torch.Tensor) -> float:
    return math.degrees(float(torch.atan2(torch.linalg.cross(a, b).norm(), a @ b)))


def bent_arm(
    shoulder: torch.Tensor,
    wrist: torch.Tensor,
    elbow_side: torch.Tensor,
    upper: float,
    lower: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Directions of upper arm and forearm whose wrist is at a place.

    Args:
        shoulder: (3,) [m].
        wrist: (3,) where it shall be; what is too far is only pointed at.
        elbow_side: (3,) direction that the elbow yields to.
        upper: Length of the upper arm [m].
        lower: Length of the forearm [m].

    Returns:
        Two unit vectors (3,).
    """
    line = wrist - shoulder
    length = float(line.norm())
    reach = min(max(length, abs(upper - lower) + 0.06), 0.985 * (upper + lower))
    along = line / max(length, 1e-6)
    side = unit(elbow_side - (elbow_side @ along) * along, 0)
    cosine = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    elbow = along * (upper * cosine) + side * (upper * math.sqrt(max(0.0, 1 - cosine**2)))
    return unit(elbow, 0), unit(along * reach - elbow, 0)


def clear_of_trunk(
    joints: Sequence[torch.Tensor],
    upper: torch.Tensor,
    lower: torch.Tensor,
    sides: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Holds a hanging left arm beside the trunk, however wide that is.

    Args:
        joints: Shoulder, elbow and wrist at rest, (3,) each [m].
        upper: (3,) unit, direction of the upper arm.
        lower: (3,) unit, of the forearm.
        sides: (2, 3) outermost points of waist and hip [m].

    Returns:
        Both directions, turned outwards where elbow or wrist would be nearer than an arm's radius.
    """
    if float(upper[1]) > -0.6:
        return upper, lower
    shoulder, elbow, wrist = joints
    length_upper, length_lower = (elbow - shoulder).norm(), (wrist - elbow).norm()
    missing = sides[0, 0] + 0.065 - shoulder[0] - length_upper * upper[0]
    upper = unit(upper + torch.tensor([max(0.0, float(missing / length_upper)), 0, 0]), 0)
    at_elbow = shoulder + length_upper * upper
    at_wrist = at_elbow + length_lower * lower
    if abs(float(at_wrist[2] - sides[1, 2])) < 0.16:
        reach = length_lower + _HAND_M
        missing = sides[1, 0] + 0.04 - (at_elbow[0] + reach * lower[0])
        lower = unit(lower + torch.tensor([max(0.0, float(missing / reach)), 0, 0]), 0)
    return upper, lower


def raise_shoulder(rotations: torch.Tensor, bones: dict[str, int], upper: torch.Tensor) -> None:
    """Lets the left collar bone follow the arm's wanted direction (3,), in place."""
    lift = min(max((float(upper[1]) + 0.35) / 1.35, 0.0), 1.0)
    front = max(float(upper[2]), 0.0)
    rotations[bones["clavicle.L"]] = about_z(20 * lift) @ about_y(-10 * front * (1 - lift))
    rotations[bones["shoulder01.L"]] = about_z(16 * lift)


def place_arm(
    rotations: torch.Tensor,
    bones: dict[str, int],
    heads: torch.Tensor,
    upper: torch.Tensor,
    lower: torch.Tensor,
    turn_deg: float,
) -> None:
    """Turns the left arm, in place; the elbow stays a hinge.

    Args:
        rotations: (bones, 3, 3); collar bones are read, the arm's are written.
        bones: Number of each bone.
        heads: (bones, 3) rest heads.
        upper: (3,) unit, direction of the upper arm in the chest's axes.
        lower: (3,) unit, of the forearm.
        turn_deg: Of the hand about the forearm.
    """
    shoulder, elbow, wrist = (heads[bones[f"{n}.L"]] for n in ("upperarm01", "lowerarm01", "wrist"))
    upper0, lower0 = unit(elbow - shoulder, 0), unit(wrist - elbow, 0)
    base = rotations[bones["clavicle.L"]] @ rotations[bones["shoulder01.L"]]
    u, f = base.mT @ upper, base.mT @ lower
    swing = _shortest_turn(upper0, u)
    whole = _frame(u, f) @ _frame(upper0, lower0).mT
    twist = swing.mT @ whole
    axial = torch.stack(
        [twist[2, 1] - twist[1, 2], twist[0, 2] - twist[2, 0], twist[1, 0] - twist[0, 1]]
    )
    twist_deg = math.degrees(math.atan2(float(axial @ upper0) / 2, (float(twist.trace()) - 1) / 2))
    bend_deg = _angle_deg(u, f)
    twist_deg = min(max(twist_deg * min(1.0, bend_deg / _STRAIGHT_DEG), -_TWIST_DEG), _TWIST_DEG)
    rotations[bones["upperarm01.L"]] = swing @ about(upper0, 0.5 * twist_deg)
    rotations[bones["upperarm02.L"]] = about(upper0, 0.5 * twist_deg)
    hinge = unit(torch.linalg.cross(upper0, lower0), 0)
    rotations[bones["lowerarm01.L"]] = about(hinge, bend_deg - _angle_deg(upper0, lower0))
    rotations[bones["lowerarm02.L"]] = about(lower0, -0.6 * turn_deg)
    rotations[bones["wrist.L"]] = about(lower0, -0.4 * turn_deg)


def place_leg(
    rotations: torch.Tensor, bones: dict[str, int], leg: Leg, side: Side, pitch_deg: float
) -> None:
    """Turns a leg, in place; the sole stays level as far as an ankle allows."""
    sign = 1.0 if side == "L" else -1.0
    thigh = about_y(sign * leg.turn) @ about_x(-leg.flex) @ about_z(sign * leg.spread)
    rotations[bones[f"upperleg01.{side}"]] = thigh @ about_y(sign * leg.twist)
    rotations[bones[f"lowerleg01.{side}"]] = about_x(leg.knee)
    shin_deg = pitch_deg - leg.flex + leg.knee
    level_deg = min(max(-shin_deg, -28.0), 35.0)
    rotations[bones[f"foot.{side}"]] = about_x(level_deg + leg.point)


def knuckle_axis(bones: dict[str, int], heads: torch.Tensor) -> torch.Tensor:
    """Unit axis (3,) about which the left fingers bend towards the palm, from (bones, 3) heads."""
    finger = [heads[bones[f"finger3-{joint}.L"]] for joint in (1, 2, 3)]
    knuckles = unit(heads[bones["finger5-1.L"]] - heads[bones["finger2-1.L"]], 0)
    natural = torch.linalg.cross(finger[1] - finger[0], finger[2] - finger[1])
    return knuckles * torch.sign(natural @ knuckles)


def curl_fingers(
    rotations: torch.Tensor,
    bones: dict[str, int],
    heads: torch.Tensor,
    hand: Hand,
    share: torch.Tensor,
) -> None:
    """Bends the left fingers, in place.

    Args:
        rotations: (bones, 3, 3).
        bones: Number of each bone.
        heads: (bones, 3) rest heads.
        hand: What it does.
        share: (5,) in [0, 1], where each finger lies between open and closed for that hand.
    """
    hinge = knuckle_axis(bones, heads)
    low, high = _CURLS_DEG[hand]
    for finger in range(1, 6):
        degrees = low + (high - low) * float(share[finger - 1])
        if hand == "point" and finger == 2:
            degrees = -6.0
        if finger == 1:
            degrees = 0.3 * degrees
        for joint in range(1, 4):
            rotations[bones[f"finger{finger}-{joint}.L"]] = about(hinge, degrees)
