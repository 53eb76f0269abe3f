"""A triangle mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

ColorKind = Literal["photo", "albedo", "shaded"]


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh; faces turn counter-clockwise seen from outside."""

    vertices: npt.NDArray[np.float32]
    """(V, 3), in the space that the function returning it names."""
    faces: npt.NDArray[np.int64]
    """(F, 3) vertex indices."""
    normals: npt.NDArray[np.float32] | None = None
    """(V, 3) unit vectors pointing outward, or None."""
    colors: npt.NDArray[np.uint8] | None = None
    """(V, 3) sRGB, or None."""
    seen: npt.NDArray[np.bool_] | None = None
    """(V,) True where the camera saw the vertex, its colour measured; else guessed. Or None."""
    shows: ColorKind = "photo"
    """What ``colors`` are: the photo's, light and all; the albedo, without the light; or the albedo
    shaded as the photo is."""
