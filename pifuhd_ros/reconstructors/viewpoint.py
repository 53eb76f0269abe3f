"""How far from a person the camera stood, as PHORHUM's network takes it."""

from __future__ import annotations

import numpy as np

from pifuhd_ros.geometry.cameras import camera_from_fov, inverse_distance
from pifuhd_ros.types import Camera, Frame, PersonCrop

USUAL_INVERSE_DISTANCE = 0.2
"""Of a camera that nothing is known of [1 / model units]: 4.5 m from a standing person."""
_FARTHEST, _NEAREST = 0.0, 0.55
"""What the networks are trained on; nearer cameras count as the nearest."""


def camera_of(frame: Frame, vertical_fov_deg: float) -> Camera:
    """The same camera that places the mesh, so that both see the same perspective.

    Args:
        frame: with its camera where known.
        vertical_fov_deg: of a frame without.
    """
    if frame.camera is not None:
        return frame.camera
    height, width = frame.rgb.shape[:2]
    return camera_from_fov(vertical_fov_deg, width, height)


def crop_inverse_distance(camera: Camera | None, crop: PersonCrop) -> float:
    """One over the camera's distance from the person in a crop [1 / model units].

    Args:
        camera: that took the photo; None for USUAL_INVERSE_DISTANCE.
        crop: of the photo.

    Returns:
        Within what the networks are trained on.
    """
    if camera is None:
        return USUAL_INVERSE_DISTANCE
    half_size_px = crop.image_from_crop[0, 0] * (crop.mask.shape[-1] - 1) / 2
    return float(np.clip(inverse_distance(camera, half_size_px), _FARTHEST, _NEAREST))
