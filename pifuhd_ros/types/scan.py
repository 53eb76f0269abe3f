"""A scanned person, as a file gives it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Scan:
    """A welded, textured surface: metres, y up, facing +z; the origin is the file's."""

    name: str
    """Of the file, for messages."""
    vertices: npt.NDArray[np.float32]
    """(V, 3), each place once; the last ones are the tips of ``caps``."""
    faces: npt.NDArray[np.int64]
    """(F, 3) what is drawn, counter-clockwise seen from outside."""
    caps: npt.NDArray[np.int64]
    """(C, 3) closes the holes of ``faces``; not drawn."""
    is_surface: bool
    """False for loose faces, which no caps close: they have none."""
    face_uvs: npt.NDArray[np.float32]
    """(F, 3, 2) of each corner, v upwards."""
    face_material: npt.NDArray[np.int64]
    """(F,) row of ``tints`` and ``textures``."""
    tints: npt.NDArray[np.float32]
    """(M, 3) sRGB in [0, 1]; textures are multiplied by it."""
    textures: tuple[npt.NDArray[np.uint8] | None, ...]
    """(4, S, S) of each material, sRGB and opacity, rows from the bottom up; None for no texture.
    All have one size."""
    colours: npt.NDArray[np.float32] | None
    """(V, 3) sRGB in [0, 1], multiplied by all else; None where the file has none."""
