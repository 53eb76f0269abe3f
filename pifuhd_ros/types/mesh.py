"""A triangle mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

ColorKind = Literal["photo", "albedo", "shaded"]


class ColorSource(IntEnum):
    """Where the colour of a vertex comes from."""

    GUESS = 0
    """From the colours around it, or of the side before it."""
    PHOTO = 1
    """Measured: the camera saw it."""
    ALBEDO_SYSTEM = 2
    """From a network that tells albedo and light apart."""


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
    """(V,) True where the camera saw the vertex, or None."""
    shows: ColorKind = "photo"
    """What ``colors`` are: the photo's, light and all; the albedo, without the light; or the albedo
    shaded as the photo is."""
    color_sources: npt.NDArray[np.uint8] | None = None
    """(V,) the ColorSource of each vertex, or None."""
    other_colors: Mapping[ColorKind, npt.NDArray[np.uint8]] = field(default_factory=dict)
    """(V, 3) sRGB of what else is known of the surface, by what it shows."""

    def showing(self, kind: ColorKind) -> Mesh:
        """The same mesh with other colours in front.

        Args:
            kind: what it shows already, or one of ``other_colors``.

        Raises:
            ValueError: there are no such colours.
        """
        if self.colors is None or kind not in (self.shows, *self.other_colors):
            raise ValueError(f"the mesh has no colours that show {kind!r}")
        if kind == self.shows:
            return self
        others = {**self.other_colors, self.shows: self.colors}
        return replace(self, colors=others.pop(kind), shows=kind, other_colors=others)
