"""Cameras as phones, robots and buildings carry them, before a person of any pose."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.geometry.crop_transforms import crop_from_model
from pifuhd_ros.geometry.rotations import matrix_from_axis_angle, view_rotation
from pifuhd_ros.synthetic.placement import Placement
from pifuhd_ros.synthetic.random import Dice

SUPERSAMPLING = 2
"""Pixels of the true maps on one of the photo, along each side."""
_FITTING_STEPS = 12
_DISTANCE_M = (1.8, 8.0)
_YAW_DEG = (
    (-20, 20), (20, 50), (-15, 15), (-50, -20), (70, 105), (-10, 25), (-25, 10), (150, 210),
    (-70, -45), (-15, 15), (15, 40), (-105, -70), (-40, -15), (-10, 10), (45, 75), (-20, 20),
    (110, 150), (-30, 0), (-160, -115), (0, 30),
)  # fmt: skip
"""How far the person is turned, from one to the next: mostly seen from the front, not always."""


@dataclass(frozen=True)
class View:
    """How somebody is to be seen."""

    yaw_deg: float
    """The person is turned so far to the viewer's right."""
    height_m: float
    """Of the camera above the floor."""
    fov_deg: float
    """Vertical field of view."""
    fill: float
    """Share of the image that the person takes, in the tighter direction."""
    shift: tuple[float, float]
    """Of the person from the image's middle to the right and down, as shares of its size."""
    roll_deg: float
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Shot:
    """A pinhole camera in the stage's space: metres, y up, the floor at y = 0, the person over the
    origin, the camera towards +z."""

    turn: npt.NDArray[np.float64]
    """(3, 3) stage_from_person, about y."""
    floor_m: float
    """Height of the person's pelvis over the floor."""
    axes: npt.NDArray[np.float64]
    """(3, 3) the camera's right, up and backward axes as rows."""
    position_m: npt.NDArray[np.float64]
    """(3,)."""
    focal_px: float
    width_px: int
    height_px: int

    def on_stage(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Points (N, 3) of person space in the stage's."""
        moved: npt.NDArray[np.float64] = points @ self.turn.T + [0.0, self.floor_m, 0.0]
        return moved

    def project(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Pixels (N, 2), column and row, of points (N, 3) of the stage."""
        seen = (points - self.position_m) @ self.axes.T
        scaled = self.focal_px * seen[:, :2] / -seen[:, 2:] * [1, -1]
        pixels: npt.NDArray[np.float64] = scaled + self._middle_px
        return pixels

    def placement(self) -> Placement:
        """The same camera as the project's own renderer takes it, before its square image.

        The square's side is the longer one of the photo; its middle is the photo's middle.
        """
        pelvis_m = np.array([0.0, self.floor_m, 0.0])
        camera = self.axes @ (self.position_m - pelvis_m)
        distance_m = float(camera[2])
        half_px = (SUPERSAMPLING * max(self.width_px, self.height_px) - 1) / 2
        scale = SUPERSAMPLING * self.focal_px / (half_px * distance_m)
        return Placement(
            torch.from_numpy(self.axes @ self.turn).float(),
            torch.tensor([camera[0], camera[1], 0.0], dtype=torch.float32),
            scale,
            1 / (distance_m * scale),
        )

    def image_from_model(self) -> npt.NDArray[np.float64]:
        """(3, 3) photo pixel of model space (x, y), see ``GroundTruth``."""
        side = max(self.width_px, self.height_px)
        large = crop_from_model(SUPERSAMPLING * side)
        scale = 1 / SUPERSAMPLING
        offset = 0.5 * scale - 0.5
        left, top = (side - self.width_px) // 2, (side - self.height_px) // 2
        small = np.array([[scale, 0, offset - left], [0, scale, offset - top], [0, 0, 1.0]])
        return small @ large

    @property
    def _middle_px(self) -> npt.NDArray[np.float64]:
        return np.array([(self.width_px - 1) / 2, (self.height_px - 1) / 2])


def sample_view(number: int, dice: Dice) -> View:
    """A phone, a phone's longer lens, a low robot, or a camera high on a wall.

    Args:
        number: of the photo, which decides from which side the person is seen.
        dice: of the photo.
    """
    yaw_deg = dice.uniform(*_YAW_DEG[number % len(_YAW_DEG)])
    shift = (dice.uniform(-0.06, 0.06), dice.uniform(-0.02, 0.02))
    fill = dice.uniform(0.62, 0.88)
    kind = dice.weighted(("phone", "long", "robot", "wall"), (4, 2, 3, 1))
    if kind == "phone":
        return View(
            yaw_deg, dice.uniform(1.0, 1.7), dice.uniform(54, 66), fill, shift,
            dice.uniform(-3, 3), 768, 1024,
        )  # fmt: skip
    if kind == "long":
        return View(
            yaw_deg, dice.uniform(0.9, 1.6), dice.uniform(28, 42), fill, shift,
            dice.uniform(-2, 2), 768, 1024,
        )  # fmt: skip
    if kind == "robot":
        return View(
            yaw_deg, dice.uniform(0.35, 1.2), dice.uniform(42, 58), min(fill + 0.1, 0.9), shift,
            dice.uniform(-1, 1), 1024, 768,
        )  # fmt: skip
    return View(yaw_deg, dice.uniform(1.9, 2.2), dice.uniform(30, 40), fill, shift, 0, 960, 800)


def frame_person(vertices: npt.NDArray[np.float64], view: View) -> Shot:
    """The camera that sees a person as wished.

    Args:
        vertices: (V, 3) what is drawn, person space.
        view: how it is to be seen; the distance is kept within what a room allows, so that a
            very wide or a very close view fills another share of the image.
    """
    floor_m = -float(vertices[:, 1].min())
    turn = view_rotation(view.yaw_deg).double().numpy()
    focal_px = view.height_px / 2 / math.tan(math.radians(view.fov_deg) / 2)
    roll = matrix_from_axis_angle(torch.tensor([0.0, 0.0, math.radians(view.roll_deg)]).double())
    size = np.array([view.width_px, view.height_px])
    pan, pitch, distance_m = 0.0, 0.0, 3.0
    for _ in range(_FITTING_STEPS):
        looking = view_rotation(math.degrees(pan), math.degrees(pitch)).double()
        shot = Shot(
            turn,
            floor_m,
            (roll @ looking).numpy(),
            np.array([0.0, view.height_m, distance_m]),
            focal_px,
            view.width_px,
            view.height_px,
        )
        pixels = shot.project(shot.on_stage(vertices))
        low, high = pixels.min(0), pixels.max(0)
        off = ((low + high) / 2 - (size - 1) / 2) / size - view.shift
        pan += math.atan(off[0] * size[0] / focal_px)
        pitch += math.atan(off[1] * size[1] / focal_px)
        distance_m *= float(((high - low) / size).max()) / view.fill
        distance_m = min(max(distance_m, _DISTANCE_M[0]), _DISTANCE_M[1])
    return shot
