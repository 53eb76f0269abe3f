"""The square image of one person that the networks see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class PersonCrop:
    """A square crop around one person, background replaced by black.

    The crop spans the model box [-1, 1]^3 of the networks: x right, y up, z towards the camera,
    orthographic. x = -1 is the centre of the first pixel column, x = +1 that of the last
    (align_corners=True): u = (x + 1) / 2 * (S - 1), v = (1 - y) / 2 * (S - 1).
    """

    image: torch.Tensor
    """float32 (3, S, S), RGB in [0, 1], already multiplied by the mask."""
    mask: torch.Tensor
    """float32 (S, S) in [0, 1]."""
    image_from_crop: npt.NDArray[np.float64]
    """(3, 3): homogeneous frame pixel = image_from_crop @ homogeneous crop pixel."""
    joints: torch.Tensor | None = None
    """float32 (J, 4): the detected skeleton in model space, see geometry/skeleton.py; None where
    the detection has none."""
    face: torch.Tensor | None = None
    """float32 (468, 3): the points of the face in model space, see stages/face_mesh.py, z from
    somewhere in the head; None where the detection has none."""
