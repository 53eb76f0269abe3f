"""Pinhole cameras: rays through pixels, projection, and guesses where nothing is calibrated."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types import Camera

_UNDISTORT_STEPS = 20


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


def inverse_distance(camera: Camera, half_size_px: float) -> float:
    """One over the camera's distance from what a square of its image shows, in half sides of it.

    That is the unit of the model box whose x and y span the square.

    Args:
        camera: that took the image.
        half_size_px: half the square's side, in pixels.
    """
    return half_size_px / math.sqrt(float(camera.K[0, 0]) * float(camera.K[1, 1]))


def rays_through_pixels(camera: Camera, pixels: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Directions (N, 3) with z = 1 in the optical frame, through pixels (N, 2).

    Lens distortion is undone by fixed-point iteration.

    Raises:
        ValueError: the camera's distortion is not of the plumb_bob model.
    """
    pixels = np.asarray(pixels, dtype=np.float64)
    homogeneous = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
    distorted = (homogeneous @ np.linalg.inv(camera.K).T)[:, :2]
    plane = distorted
    if camera.distortion is not None:
        for _ in range(_UNDISTORT_STEPS):
            factor, shift = _distortion(camera, plane)
            plane = (distorted - shift) / factor
    return np.concatenate([plane, np.ones((len(plane), 1))], axis=1)


def project(camera: Camera, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Pixels (N, 2) of points (N, 3) in the optical frame.

    Raises:
        ValueError: a point is not in front of the camera, or the camera's distortion is not of
            the plumb_bob model.
    """
    points = np.asarray(points, dtype=np.float64)
    if (points[:, 2] <= 0).any():
        raise ValueError("a point with z <= 0 is behind the camera and has no pixel")
    plane = points[:, :2] / points[:, 2:]
    if camera.distortion is not None:
        factor, shift = _distortion(camera, plane)
        plane = plane * factor + shift
    pixels: npt.NDArray[np.float64] = plane @ camera.K[:2, :2].T + camera.K[:2, 2]
    return pixels


def _distortion(
    camera: Camera, plane: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The plumb_bob model at points (N, 2) of the plane z = 1: factor (N, 1) and shift (N, 2).

    Source: Brown, Decentering Distortion of Lenses, 1966; in the form that OpenCV and ROS use.
    """
    coefficients = np.ravel(camera.distortion if camera.distortion is not None else 0.0)
    if coefficients.size not in (4, 5):
        raise ValueError(
            f"a camera with {coefficients.size} distortion coefficients: only the plumb_bob model "
            "(k1, k2, p1, p2, k3) is known; rectify the image first"
        )
    k1, k2, p1, p2, k3 = np.pad(coefficients, (0, 5 - coefficients.size))
    x, y = plane[:, 0], plane[:, 1]
    r2 = x * x + y * y
    factor = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    shift = np.stack(
        [2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=1
    )
    return factor[:, None], shift
