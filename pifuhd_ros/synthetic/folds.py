"""Where a point lies on the limbs of the mean body, and the folds that cloth makes there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pifuhd_ros.synthetic.random import Dice

_SHOULDER, _ELBOW, _WRIST = (0.171, 0.586, 0.021), (0.354, 0.382, 0.03), (0.479, 0.257, 0.199)
_LEG = ((0.109, 0.015, 0.03), (0.145, -0.316, 0.04), (0.188, -0.741, 0.003))
_TORSO_Z = 0.03
ELBOW_M = 0.274
"""How far along the arm the elbow lies."""
KNEE_Y = -0.316
_WAVES = 4


def smoothstep(low: float, high: float, x: torch.Tensor) -> torch.Tensor:
    """0 at low, 1 at high, smooth between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Limbs:
    """Coordinates of points (V,) along and around the limbs of the mean body."""

    reach: torch.Tensor
    """Distance to the side [m], above 0.2 only on arms: where sleeves are cut away."""
    arm: torch.Tensor
    """1 on the arms, 0 elsewhere, smooth between."""
    leg: torch.Tensor
    """The same for the legs."""
    arm_along: torch.Tensor
    """From the shoulder towards the wrist [m]."""
    height: torch.Tensor
    """y [m], along torso and legs."""
    arm_angle: torch.Tensor
    """Around the arm [rad]."""
    leg_angle: torch.Tensor
    torso_angle: torch.Tensor
    """0 in front, towards +x."""
    leg_out: torch.Tensor
    """(V, 3) horizontal unit vectors away from the leg's axis."""
    torso_out: torch.Tensor
    """(V, 3) away from the torso's axis."""


def limbs_of(mean: torch.Tensor, has_legs: bool = True) -> Limbs:
    """Coordinates of points (V, 3) on the mean body [m]; without legs, skirts hang from torsos."""
    x, y, z = mean.unbind(1)
    right = torch.where(x < 0, -1.0, 1.0)
    side = x.abs()
    reach = side - (0.35 - y).clamp(min=0) * 0.6
    arm = smoothstep(0.16, 0.22, reach)
    leg = smoothstep(0.06, -0.06, y) * (1 - arm) * (1.0 if has_legs else 0.0)

    def constant(values: tuple[float, float, float]) -> torch.Tensor:
        return torch.tensor(values, device=mean.device)

    p = torch.stack([side, y, z], 1)
    a, b, c = constant(_SHOULDER), constant(_ELBOW), constant(_WRIST)
    upper, lower = (b - a).norm(), (c - b).norm()
    s = ((p - a) @ (b - a) / upper).clamp(max=float(upper))
    t = ((p - b) @ (c - b) / lower).clamp(min=0)
    centre = a + s[:, None] * (b - a) / upper + t[:, None] * (c - b) / lower
    from_arm = p - centre
    arm_angle = torch.atan2(from_arm[:, 2], (from_arm[:, 0] + from_arm[:, 1]) * 0.7)

    hip, knee, foot = (constant(v) for v in _LEG)
    u = ((y - hip[1]) / (knee[1] - hip[1])).clamp(0, 1)[:, None]
    v = ((y - knee[1]) / (foot[1] - knee[1])).clamp(0, 1)[:, None]
    from_leg = p - (hip + u * (knee - hip) + v * (foot - knee))
    leg_angle = torch.atan2(from_leg[:, 0], from_leg[:, 2])
    leg_out = torch.stack([from_leg[:, 0] * right, torch.zeros_like(y), from_leg[:, 2]], 1)
    torso_out = torch.stack([x, torch.zeros_like(y), z - _TORSO_Z], 1)
    return Limbs(
        reach=reach,
        arm=arm,
        leg=leg,
        arm_along=s + t,
        height=y,
        # Other folds on the left than on the right.
        arm_angle=arm_angle + 2.4 * (x < 0),
        leg_angle=leg_angle + 2.4 * (x < 0),
        torso_angle=torch.atan2(x, z - _TORSO_Z),
        leg_out=torch.nn.functional.normalize(leg_out, dim=1),
        torso_out=torch.nn.functional.normalize(torso_out, dim=1),
    )


def _ridge(phase: torch.Tensor) -> torch.Tensor:
    """Round ridges between wider valleys, mean near zero, from -0.35 to 0.65."""
    return (0.5 + 0.5 * phase.sin()).square() - 0.35


def _around(value: torch.Tensor, centre: float, width: float) -> torch.Tensor:
    return (-((value - centre) / width).square()).exp()


class _Waves:
    """Random folds across and along one limb."""

    def __init__(self, dice: Dice, device: torch.device) -> None:
        self.r = dice.rand(8, _WAVES).to(device)

    def across(self, along: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
        """Folds that run around the limb, slanting and dying out: pushed-together cloth."""
        r = self.r
        s, a = along[:, None], angle[:, None]
        k = 2 * math.pi / (0.05 + 0.06 * r[0])
        slant = (1 + 1.5 * r[1]) * (a + 6.28 * r[2]).sin() + 0.8 * (2 * a + 6.28 * r[3]).sin()
        meander = 0.8 * (k * 0.31 * s + 6.28 * r[4]).sin()
        fade = 0.5 + 0.5 * (a + (6 + 10 * r[5]) * s + 6.28 * r[6]).sin()
        return (_ridge(k * s + slant + meander + 6.28 * r[7]) * fade).mean(1)

    def down(self, along: torch.Tensor, angle: torch.Tensor, folds: int) -> torch.Tensor:
        """About ``folds`` folds that hang along the limb."""
        r = self.r
        s, a = along[:, None], angle[:, None]
        number = folds + torch.arange(_WAVES, device=along.device) - 1
        sway = (0.6 + r[1]) * ((4 + 5 * r[2]) * s + 6.28 * r[3] + a).sin()
        fade = 0.5 + 0.5 * (a * (1 + (r[4] > 0.5)) + 3 * s + 6.28 * r[5]).sin()
        return (_ridge(number * a + sway + 6.28 * r[7]) * fade).mean(1)


class Folds:
    """The folds of one garment: the same at the same place, whoever asks."""

    def __init__(
        self, dice: Dice, amplitude_m: float, sleeve_m: float, hem_y: float, device: torch.device
    ) -> None:
        """Draws the folds.

        Args:
            dice: The person's random numbers.
            amplitude_m: Of the deepest folds; at most 0.015 is a sensible value.
            sleeve_m: Where the sleeve ends, along the arm.
            hem_y: Where the garment ends below, on the mean body.
            device: Of the vertices.
        """
        self._arm, self._leg, self._torso = (_Waves(dice, device) for _ in range(3))
        self._calm = dice.uniform(0.05, 0.35)
        self._amplitude_m, self._sleeve_m, self._hem_y = amplitude_m, sleeve_m, hem_y

    def at(self, limbs: Limbs) -> torch.Tensor:
        """Displacements (V,) [m] outwards.

        Cloth is pushed together at elbows, knees, the waist, and above cuffs and hems; between
        them it hangs in long folds.
        """
        along, y = limbs.arm_along, limbs.height
        bunch = _around(along, ELBOW_M, 0.07) + _around(along, self._sleeve_m, 0.06)
        bunch = bunch + 0.6 * _around(along, 0.0, 0.08)
        arms = (self._calm + bunch) * self._arm.across(along, limbs.arm_angle)
        arms = arms + 0.7 * self._arm.down(along, limbs.arm_angle, 3)

        bunch = _around(y, KNEE_Y, 0.09) + _around(y, self._hem_y, 0.08)
        bunch = bunch + 0.7 * _around(y, 0.02, 0.09)
        legs = (self._calm + bunch) * self._leg.across(y, limbs.leg_angle)
        legs = legs + 0.9 * self._leg.down(y, limbs.leg_angle, 3)

        bunch = _around(y, 0.27, 0.07) + 0.5 * _around(y, max(self._hem_y, 0.1), 0.06)
        torsos = (self._calm + bunch) * self._torso.across(y, limbs.torso_angle)
        torsos = torsos + (0.3 + smoothstep(0.5, 0.1, y)) * self._torso.down(
            y, limbs.torso_angle, 5
        )
        rest = 1 - limbs.arm - limbs.leg
        mixed = arms * limbs.arm + legs * limbs.leg + torsos * rest
        return 2.2 * self._amplitude_m * mixed

    def of_skirt(self, drop: torch.Tensor, angle: torch.Tensor, pleats: int) -> torch.Tensor:
        """Displacements (V,) of a skirt, deeper with the drop (V,) in [0, 1] from its hips."""
        wave = _ridge(pleats * angle) if pleats else 1.6 * self._leg.down(0.5 * drop, angle, 8)
        return 2.0 * self._amplitude_m * drop * wave
