"""One person found in a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class PersonDetection:
    """One person found in a frame, in the frame's pixels."""

    box_xyxy_px: npt.NDArray[np.float64]
    """(4,) left, top, right, bottom of the person."""
    mask: npt.NDArray[np.float32]
    """(H, W) in [0, 1], the size of the frame."""
    keypoints_px: npt.NDArray[np.float64]
    """(33, 3) x, y, visibility in [0, 1]; BlazePose order (nose 0 … left toes 31, right 32)."""
    score: float
    """Confidence in [0, 1]."""
    is_cut_off: bool = False
    """True where a part of the person lies outside the frame."""
    keypoints_world_m: npt.NDArray[np.float64] | None = None
    """(33, 3) the same points in space, x right, y down, z away from the camera, origin between
    the hips; up to a common scale, for it is guessed from one image. None where not estimated."""
    face_px: npt.NDArray[np.float64] | None = None
    """(468, 3) points of the face, see stages/face_mesh.py; None where none was found."""
