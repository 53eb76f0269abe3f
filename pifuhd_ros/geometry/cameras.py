"""Pinhole cameras: rays through pixels, projection, and guesses where nothing is calibrated."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types import Camera


def camera_from_focal(focal_px: float, width_px: int, height_px: int) -> Camera:
    """A guessed camera with square pixels, looking through the middle of its image.

    Args:
        focal_px: focal length in pixels.
        width_px: image width.
        height_px: image height.
    """
    K = np.array(
        [
            [focal_px, 0.0, (width_px - 1) / 2],
            [0.0, focal_px, (height_px - 1) / 2],
            [0.0, 0.0, 1.0],
        ]
    )
    return Camera(K=K, width_px=width_px, height_px=height_px, is_guess=True)


def camera_from_fov(vertical_fov_deg: float, width_px: int, height_px: int) -> Camera:
    """A guessed camera of a vertical field of view, in degrees.

    Raises:
        ValueError: the field of view is not between 0 and 180 degrees.
    """
    if not 0 < vertical_fov_deg < 180:
        raise ValueError(f"a field of view lies between 0 and 180 degrees, got {vertical_fov_deg}")
    focal_px = height_px / 2 / math.tan(math.radians(vertical_fov_deg) / 2)
    return camera_from_focal(focal_px, width_px, height_px)


def vertical_fov_deg(camera: Camera) -> float:
    """The vertical field of view of a camera, degrees."""
    return math.degrees(2 * math.atan(camera.height_px / 2 / float(camera.K[1, 1])))


def rays_through_pixels(camera: Camera, pixels: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Directions (N, 3) with z = 1 in the optical frame, through pixels (N, 2); no distortion."""
    pixels = np.asarray(pixels, dtype=np.float64)
    homogeneous = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
    rays: npt.NDArray[np.float64] = homogeneous @ np.linalg.inv(camera.K).T
    return rays


def project(camera: Camera, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Pixels (N, 2) of points (N, 3) in the optical frame; no distortion.

    Raises:
        ValueError: a point is not in front of the camera.
    """
    points = np.asarray(points, dtype=np.float64)
    if (points[:, 2] <= 0).any():
        raise ValueError("a point with z <= 0 is behind the camera and has no pixel")
    homogeneous = points @ camera.K.T
    pixels: npt.NDArray[np.float64] = homogeneous[:, :2] / homogeneous[:, 2:]
    return pixels
