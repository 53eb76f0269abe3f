"""Where a person stands before the camera: the model box and its projection."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.synthetic.random import Dice

_FITTING_STEPS = 4


@dataclass(frozen=True)
class Placement:
    """Maps person space to the model box [-1, 1]^3, whose x and y are the crop's pixels.

    Turned and scaled, p = (rotation @ person - centre) * scale. A camera at a finite distance
    enlarges what is near: x, y = p.xy * k and z = p.z with k = 1 / (1 - z * inverse_distance), so
    that points on one ray keep x and y, as ``place_in_camera`` undoes it in use.
    """

    rotation: torch.Tensor
    """(3, 3) model_from_person."""
    centre_m: torch.Tensor
    """(3,) of the box, in turned metres."""
    scale: float
    """Model units a metre, in the plane z = 0."""
    inverse_distance: float = 0.0
    """One over the camera's distance from the box's centre [model units]; 0: orthographic."""

    def to_model(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, 3) of the person, in metres, in the model box."""
        p = (points @ self.rotation.T - self.centre_m) * self.scale
        if self.inverse_distance == 0:
            return p
        k = 1 / (1 - p[:, 2:] * self.inverse_distance)
        return torch.cat([p[:, :2] * k, p[:, 2:]], 1)

    def to_person(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, 3) of the model box, in metres in person space."""
        xy = points[:, :2] * (1 - points[:, 2:] * self.inverse_distance)
        p = torch.cat([xy, points[:, 2:]], 1) / self.scale + self.centre_m
        return p @ self.rotation


def _range(points: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
    """Lowest and highest value of each axis of (N, 2), each with the point that has it."""
    low, high = points.min(0), points.max(0)
    return (low.values, low.indices), (high.values, high.indices)


def place_person(
    vertices: torch.Tensor,
    rotation: torch.Tensor,
    fill: float = 1 / 1.1,
    shift: tuple[float, float] = (0, 0),
    distance_m: float = math.inf,
) -> Placement:
    """The box in which the person's longer side fills ``fill`` of the crop.

    The box is centred on the picture's tight box in x and y, and on the pelvis in z, which an image
    shows better than the middle of the body's unseen depth. The camera looks at its centre.

    Args:
        vertices: (V, 3) what is drawn, person space.
        rotation: (3, 3) model_from_person.
        fill: Share of the crop that the person's longer side takes.
        shift: Of the person inside the crop, as shares of the crop's half size.
        distance_m: Of the camera from the pelvis; infinite for an orthographic view.
    """
    turned = vertices @ rotation.T
    enlarged = 1 / (1 - turned[:, 2:] / distance_m).clamp(min=0.1)
    centre = turned.new_zeros(2)
    for _ in range(_FITTING_STEPS):
        (low, first), (high, last) = _range((turned[:, :2] - centre) * enlarged)
        centre = centre + (low + high) / (enlarged[first, 0] + enlarged[last, 0])
    (low, _), (high, _) = _range((turned[:, :2] - centre) * enlarged)
    half = float((high - low).max()) / 2 / fill
    centre = centre - half * torch.tensor(shift, device=centre.device)
    return Placement(
        rotation, torch.cat([centre, centre.new_zeros(1)]), 1 / half, half / distance_m
    )


def sample_placement(
    vertices: torch.Tensor,
    dice: Dice,
    facing: bool,
    fill: float = 1 / 1.1,
    shift: tuple[float, float] = (0, 0),
) -> Placement:
    """A camera as robots and phones carry them, or the orthographic one that PIFuHD assumes.

    Half of the views are orthographic and nearly level. The others come from a camera at 0.5 to
    1.7 m height and 1.8 to 6 m distance that looks at the person's middle.

    Args:
        vertices: (V, 3) what is drawn, person space.
        dice: Of this view.
        facing: True for someone who more or less looks at the camera; else from any side.
        fill: See place_person.
        shift: See place_person.
    """
    yaw = dice.uniform(-50, 50) if facing else dice.uniform(-180, 180)
    pitch, distance_m = dice.uniform(-4, 6), math.inf
    if dice.chance(0.5):
        distance_m = dice.uniform(1.8, 6.0)
        height_m = dice.uniform(0.5, 1.7)
        middle_m = 0.5 * float(vertices[:, 1].max() - vertices[:, 1].min())
        pitch = math.degrees(math.atan2(height_m - middle_m, distance_m)) + dice.uniform(-2, 2)
    rotation = view_rotation(yaw, pitch).to(vertices.device)
    return place_person(vertices, rotation, fill, shift, distance_m)
