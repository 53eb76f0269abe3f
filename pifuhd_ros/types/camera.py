"""The pinhole camera of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in the optical convention (x right, y down, z forward; REP-103).

    Pixel (0, 0) is the centre of the top left pixel.
    """

    K: npt.NDArray[np.float64]
    """Intrinsics (3, 3), in pixels."""
    width_px: int
    height_px: int
    distortion: npt.NDArray[np.float64] | None = None
    """Coefficients of the plumb_bob model (k1, k2, p1, p2, k3), or None for none."""
    is_guess: bool = False
    """True where no calibration was given and K comes from an assumed field of view."""
