"""A flat person of rectangles with all 33 keypoints, for tests of everything after detection."""

from __future__ import annotations

import numpy as np

from pifuhd_ros.types import PersonDetection

# x right of the middle and y below the top of the head, for a stature of 1; z = 0.
_SIDES = {  # right side; the left one mirrors it
    "eye": (0.02, 0.07),
    "ear": (0.04, 0.08),
    "mouth": (0.015, 0.11),
    "shoulder": (0.11, 0.182),
    "elbow": (0.13, 0.36),
    "wrist": (0.14, 0.50),
    "hand": (0.14, 0.55),
    "hip": (0.07, 0.47),
    "knee": (0.08, 0.715),
    "ankle": (0.08, 0.961),
    "heel": (0.08, 0.985),
    "toes": (0.09, 0.985),
}
_ORDER = (
    *("eye",) * 6,
    *("ear",) * 2,
    *("mouth",) * 2,
    *("shoulder",) * 2,
    *("elbow",) * 2,
    *("wrist",) * 2,
    *("hand",) * 6,
    *("hip",) * 2,
    *("knee",) * 2,
    *("ankle",) * 2,
    *("heel",) * 2,
    *("toes",) * 2,
)


def standing_points() -> np.ndarray:
    """(33, 3) points of a person of stature 1 facing us: x right, y down from the head's top."""
    sides = [np.array([*_SIDES[name], 0.0]) for name in _ORDER]
    # After the nose, eyes come three on the left, three on the right; then left and right in turn.
    is_left = [True] * 3 + [False] * 3 + [True, False] * 13
    mirrored = [
        side if left else side * (-1, 1, 1) for side, left in zip(sides, is_left, strict=True)
    ]
    return np.array([[0.0, 0.09, 0.0], *mirrored])


def person(
    shape: tuple[int, int], *, middle_px: float, top_px: float, stature_px: float
) -> PersonDetection:
    """A whole or cut off person in an image of a shape (H, W)."""
    points = standing_points()
    keypoints = points[:, :2] * stature_px + (middle_px, top_px)
    height, width = shape
    in_image = (keypoints >= 0).all(axis=1) & (keypoints < (width, height)).all(axis=1)
    v, u = np.mgrid[:height, :width]
    x, y = (u - middle_px) / stature_px, (v - top_px) / stature_px
    mask = (np.abs(x) < np.where(y < 0.16, 0.05, 0.15)) & (y > 0) & (y < 1)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return PersonDetection(
        box_xyxy_px=np.array([columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5]),
        mask=mask.astype(np.float32),
        keypoints_px=np.column_stack([keypoints, in_image.astype(float)]),
        score=0.9,
        is_cut_off=not in_image.all(),
        keypoints_world_m=(points - (0, 0.47, 0)) * 1.7,
    )
