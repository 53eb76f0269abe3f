"""The back of a head whose face the camera saw: hair, not a second face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.geometry.skeleton import JOINTS

NAPE, CHIN = -0.45, -0.8
"""Heights over the middle of the ears, in distances between them, as all lengths here: hair grows
above the first behind; a face reaches down to the second."""
HAIR_SHARE = 0.1
"""So much of what is seen of a head is taken for hair: what lies farthest up and back."""
_BESIDE, _BEFORE, _BEHIND, _ABOVE = 0.9, 1.0, 1.4, 1.4
"""How far a head reaches from the middle of its ears."""


@dataclass(frozen=True)
class BackOfHead:
    """What the camera did not see of a head and faces the other way than the face."""

    vertices: npt.NDArray[np.bool_]
    """(V,) from the crown down to the height of the chin."""
    hair: npt.NDArray[np.bool_]
    """(V,) those of them that have hair."""
    hair_color: npt.NDArray[np.uint8]
    """(3,) sRGB."""


def find_back_of_head(
    vertices: npt.NDArray[np.float32],
    normals: npt.NDArray[np.float32],
    colors: npt.NDArray[np.uint8],
    seen: npt.NDArray[np.bool_],
    joints: torch.Tensor | None,
) -> BackOfHead | None:
    """Tell where a head has hair that the camera did not see, and of which colour.

    The colour is the median of what the camera saw farthest up and back on the head. Seen from
    behind, the back of the head has its own colours, and there is little or nothing to find.

    Args:
        vertices: (V, 3) in model space.
        normals: (V, 3) unit, outward.
        colors: (V, 3) sRGB, those of seen vertices measured.
        seen: (V,) what the camera saw.
        joints: (19, 4) the skeleton, see geometry/skeleton.py, or None.

    Returns:
        None where the skeleton lacks the head, or nothing of it was seen above the ears.
    """
    axes = None if joints is None else _head_axes(joints)
    if axes is None:
        return None
    beside, height, ahead = axes.from_model @ (vertices - axes.origin).T
    is_head = (np.abs(beside) < _BESIDE) & (height > CHIN) & (height < _ABOVE)
    is_head &= (ahead > -_BEHIND) & (ahead < _BEFORE)
    seen_top = seen & is_head & (height > 0)
    if not seen_top.any():
        return None
    up_and_back = height - ahead
    is_hair = up_and_back[seen_top] >= np.quantile(up_and_back[seen_top], 1 - HAIR_SHARE)
    color = np.median(colors[seen_top][is_hair], axis=0)
    back = ~seen & is_head & (normals @ axes.from_model[2] < 0)
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
