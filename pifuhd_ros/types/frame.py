"""One camera frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types.camera import Camera


@dataclass(frozen=True)
class Frame:
    """One colour image with what is known of the camera that took it."""

    rgb: npt.NDArray[np.uint8]
    """(H, W, 3), sRGB."""
    camera: Camera | None = None
    """None where the caller knows nothing of the camera; placement then assumes a field of view."""
    depth_m: npt.NDArray[np.float32] | None = None
    """(H, W) aligned with rgb, metres along the optical axis, 0 or NaN where unknown; or None."""
    stamp_ns: int = 0
    """Time of the exposure, nanoseconds."""
    frame_id: str = ""
    """Name of the camera's optical frame."""
    alpha: npt.NDArray[np.uint8] | None = None
    """(H, W) opacity that the image file carried, or None. A cut-out photo brings its own mask."""
