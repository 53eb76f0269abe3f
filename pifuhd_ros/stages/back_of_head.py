"""The back of a head whose face the camera saw: hair, not a second face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.types.mesh import Mesh

HAIRLINE, NAPE, CHIN = 0.55, -0.45, -1.0
"""Heights over the middle of the ears, in distances between them, as all lengths here: hair grows
above the first in front and above the second behind; a face reaches down to the third."""
_BESIDE, _BEFORE, _BEHIND, _ABOVE = 0.9, 1.0, 1.4, 1.4
"""How far a head reaches from the middle of its ears."""


@dataclass(frozen=True)
class BackOfHead:
    """What the camera did not see of a head, behind its ears."""

    vertices: npt.NDArray[np.bool_]
    """(V,) from the crown down to the height of the chin."""
    hair: npt.NDArray[np.bool_]
    """(V,) those of them that have hair."""
    hair_color: npt.NDArray[np.uint8]
    """(3,) sRGB."""


def find_back_of_head(
    mesh: Mesh,
    colors: npt.NDArray[np.uint8],
    seen: npt.NDArray[np.bool_],
    joints: torch.Tensor | None,
) -> BackOfHead | None:
    """Tell where a head has hair that the camera did not see, and of which colour.

    The colour is the median of what the camera saw of the head above the hairline, and behind the
    ears above their height. Seen from behind, the back of the head has its own colours, and there
    is little or nothing to find.

    Args:
        mesh: in model space.
        colors: (V, 3) sRGB, those of seen vertices measured.
        seen: (V,) what the camera saw.
        joints: (19, 4) the skeleton, see geometry/skeleton.py, or None.

    Returns:
        None where the skeleton lacks the head, or no hair was seen.
    """
    axes = None if joints is None else _head_axes(joints)
    if axes is None:
        return None
    beside, height, ahead = axes.from_model @ (mesh.vertices - axes.origin).T
    is_head = (np.abs(beside) < _BESIDE) & (height > CHIN) & (height < _ABOVE)
    is_head &= (ahead > -_BEHIND) & (ahead < _BEFORE)
    seen_hair = seen & is_head & ((height > HAIRLINE) | ((ahead < 0) & (height > 0)))
    if not seen_hair.any():
        return None
    back = ~seen & is_head & (ahead < 0)
    color = np.median(colors[seen_hair], axis=0)
    return BackOfHead(back, back & (height > NAPE), np.rint(color).astype(np.uint8))


@dataclass(frozen=True)
class _HeadAxes:
    """A head's own coordinates: to its left, towards the crown, towards where it looks."""

    origin: npt.NDArray[np.float64]
    """(3,) the middle of the ears in model space."""
    from_model: npt.NDArray[np.float64]
    """(3, 3); the distance between the ears becomes 1."""


def _head_axes(joints: torch.Tensor) -> _HeadAxes | None:
    nose, left_ear, right_ear = (
        joints[JOINTS.index(name)].double().cpu().numpy()
        for name in ("nose", "left_ear", "right_ear")
    )
    middle = (left_ear[:3] + right_ear[:3]) / 2
    left = left_ear[:3] - right_ear[:3]
    up = np.cross(nose[:3] - middle, left)
    width, length = np.linalg.norm(left), np.linalg.norm(up)
    if nose[3] * left_ear[3] * right_ear[3] == 0 or length == 0:
        return None
    left, up = left / width, up / length
    return _HeadAxes(middle, np.stack([left, up, np.cross(left, up)]) / width)
