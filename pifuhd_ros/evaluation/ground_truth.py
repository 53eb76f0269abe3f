"""One person of whom everything is known, however that person was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps
from pifuhd_ros.evaluation.legacy import LegacyTruth
from pifuhd_ros.evaluation.samples import SurfaceSamples
from pifuhd_ros.types import Camera, Frame, Mesh, NormalMaps

STATURE_M = 1.8
"""Every person is measured as if so tall, so that figures of people compare."""

_TELEPHOTO = 1e-4
"""The inverse distance that stands for an orthographic camera: no frame has such a one."""

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
    """The person in front of a background, with the camera: what a detector sees."""
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
    albedo: AlbedoMaps | None = None
    """The colours without light, in the photo's pixels, where they are known."""

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


def true_camera(
    image_from_model: npt.NDArray[np.float64], inverse_distance: float, shape: tuple[int, ...]
) -> Camera:
    """The camera of a photo, as a calibrated one's frames carry it.

    Args:
        image_from_model: see GroundTruth.
        inverse_distance: see GroundTruth.
        shape: of the photo, height first.
    """
    focal_px = image_from_model[0, 0] / max(inverse_distance, _TELEPHOTO)
    (cx, cy), (height, width) = image_from_model[:2, 2], shape[:2]
    K = np.array([[focal_px, 0, cx], [0, focal_px, cy], [0, 0, 1.0]])
    return Camera(K=K, width_px=width, height_px=height)
