"""One person of whom everything is known, however that person was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pifuhd_ros.evaluation.legacy import LegacyTruth
from pifuhd_ros.evaluation.samples import SurfaceSamples
from pifuhd_ros.types import Frame, Mesh, NormalMaps

STATURE_M = 1.8
"""Every person is measured as if so tall, so that figures of people compare."""

Occupancy = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.bool_]]
"""(N, 3) points in photo space -> (N,) True inside the person."""


@dataclass(frozen=True)
class GroundTruth:
    """A photo of a person and the true shape in it.

    Shapes are in photo space: x right, y up, z towards the camera, one unit along all axes, the
    pelvis at z = 0; as they are, without the camera's perspective (see photo_space.py).
    """

    name: str
    """What tells this person from the others, the same on every machine."""
    photo: Frame
    """The person in front of a background: what a detector sees."""
    mask: npt.NDArray[np.float32]
    """(H, W) in [0, 1], the true mask in the photo's pixels."""
    normals: NormalMaps
    """True normals (3, H, W), in the photo's pixels."""
    mesh: Mesh
    """The true outer surface, photo space."""
    surface: SurfaceSamples
    """Samples of it."""
    occupancy: Occupancy
    """The true closed solid, photo space."""
    metres_per_unit: float
    """Size of the photo space's unit, for a person of STATURE_M standing upright."""
    image_from_model: npt.NDArray[np.float64]
    """(3, 3): homogeneous photo pixel = image_from_model @ (x, y, 1), x and y as they are seen."""
    inverse_distance: float = 0.0
    """One over the camera's distance from the pelvis, in units of photo space; 0 for an
    orthographic camera."""

    @cached_property
    def legacy(self) -> LegacyTruth:
        """What the formula of the PIFu papers compares with."""
        return LegacyTruth.of(self.mesh, self.metres_per_unit)

    @cached_property
    def silhouette(self) -> npt.NDArray[np.bool_]:
        """(H, W) the pixels in which both true normal maps hold a normal."""
        front = self.normals.front.abs().sum(dim=0) > 0
        back = self.normals.back.abs().sum(dim=0) > 0
        both: npt.NDArray[np.bool_] = (front & back).cpu().numpy()
        return both
