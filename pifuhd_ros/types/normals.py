"""Front and back normal maps of a crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NormalMaps:
    """Surface normals seen from the camera and from behind, both in the pixels of the crop.

    Model space (x right, y up, z towards the camera): front normals have z >= 0, back normals
    z <= 0. Both are pixel-aligned with the crop, the back map is not mirrored. Zero outside the
    person.
    """

    front: torch.Tensor
    """float32 (3, S, S)."""
    back: torch.Tensor
    """float32 (3, S, S)."""
