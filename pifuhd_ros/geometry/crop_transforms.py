"""From a person's box to the square crop that the networks see, and back.

Pixel coordinates are continuous and pixel (0, 0) is centred on (0, 0), so a pixel (u, v) covers
[u - 0.5, u + 0.5] x [v - 0.5, v + 0.5] and a full image's box is (-0.5, -0.5, W - 0.5, H - 0.5).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

CROP_MARGIN = 1.1
"""Side of the crop over the longer side of the person's box. The networks are trained on it."""


class CropSquare(NamedTuple):
    """A square of the frame, in the frame's pixels; it may reach beyond the frame."""

    cx_px: float
    cy_px: float
    half_size_px: float
    """From the centre to the centres of the crop's outermost pixels."""


def box_of_mask(mask: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
    """The tight box around a mask's pixels above 0.5.

    Args:
        mask: (H, W), boolean or in [0, 1].

    Returns:
        (4,) left, top, right, bottom in pixels, at the pixels' outer edges; None where no pixel
        is above 0.5.
    """
    inside = mask > 0.5
    columns = np.flatnonzero(inside.any(axis=0))
    rows = np.flatnonzero(inside.any(axis=1))
    if columns.size == 0:
        return None
    return np.array([columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5])


def crop_box(box_xyxy_px: npt.ArrayLike) -> CropSquare:
    """The square crop of a person: centred on the box, its longer side filling 1/1.1 of it.

    Args:
        box_xyxy_px: (4,) left, top, right, bottom of the person's mask (see ``box_of_mask``).

    Returns:
        The square; half_size is 0.55 times the longer side of the box.

    Raises:
        ValueError: the box is empty or not finite.
    """
    box = np.asarray(box_xyxy_px, dtype=np.float64)
    if box.shape != (4,) or not np.isfinite(box).all():
        raise ValueError(f"expected a finite box (left, top, right, bottom), got {box_xyxy_px!r}")
    left, top, right, bottom = box.tolist()
    if right <= left or bottom <= top:
        raise ValueError(f"the box {box.tolist()} is empty: it needs right > left and bottom > top")
    longer_side = max(right - left, bottom - top)
    return CropSquare((left + right) / 2, (top + bottom) / 2, 0.5 * CROP_MARGIN * longer_side)


def image_from_crop(square: CropSquare, size: int) -> npt.NDArray[np.float64]:
    """The transform of pixels of a crop of ``size`` x ``size`` to pixels of the frame.

    The centres of the crop's first and last pixels fall on the edges of the square
    (align_corners=True), so that the model box [-1, 1] spans exactly the square.

    Args:
        square: the crop's place in the frame.
        size: pixels of the crop's side, at least 2.

    Returns:
        (3, 3): homogeneous frame pixel = image_from_crop @ homogeneous crop pixel.
    """
    if size < 2:
        raise ValueError(f"a crop needs at least 2 pixels a side, got {size}")
    scale = 2 * square.half_size_px / (size - 1)
    return np.array(
        [
            [scale, 0.0, square.cx_px - square.half_size_px],
            [0.0, scale, square.cy_px - square.half_size_px],
            [0.0, 0.0, 1.0],
        ]
    )


def crop_from_model(size: int) -> npt.NDArray[np.float64]:
    """The transform of model space (x, y) in [-1, 1] to pixels of a crop: (3, 3), y turned."""
    half = (size - 1) / 2
    return np.array([[half, 0.0, half], [0.0, -half, half], [0.0, 0.0, 1.0]])


def middle_of_seen(mask: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The middle of what a crop shows of a person: that of the crop for one who is whole in it.

    Args:
        mask: (S, S) of the crop.

    Returns:
        (2,) x and y in model space, of the middle of the mask's box; zero where the mask is empty.
    """
    box = box_of_mask(mask)
    if box is None:
        return np.zeros(2)
    model_from_crop = np.linalg.inv(crop_from_model(len(mask)))
    (middle,) = apply_transform(model_from_crop, [(box[:2] + box[2:]) / 2])
    return np.asarray(middle, dtype=np.float64)


def apply_transform(
    b_from_a: npt.NDArray[np.float64], points_a: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Points (…, 2) of space a in space b, by an affine (3, 3) transform."""
    points = np.asarray(points_a, dtype=np.float64)
    moved: npt.NDArray[np.float64] = points @ b_from_a[:2, :2].T + b_from_a[:2, 2]
    return moved


def crop_box_of_keypoints(body_25: npt.NDArray[np.float64]) -> CropSquare:
    """The square crop that the published PIFuHD network was shown.

    With a foot in sight: centred on the box of the keypoints, half as large as 0.65 of its longer
    side. Else around the middle of the hips, 1.45 times as far as the farthest keypoint, and
    moved down by 5 % of that.

    Args:
        body_25: (25, 3) x, y in pixels and confidence, in OpenPose's BODY_25 order.

    Raises:
        ValueError: fewer than two keypoints have a confidence above 0.2.

    Source: the published PIFuHD code, lib/data/EvalDataset.py.
    """
    confidence = body_25[:, 2]
    points = body_25[confidence > 0.2, :2]
    if len(points) < 2:
        raise ValueError("the crop around keypoints needs two of confidence above 0.2")
    if confidence[[11, 19, 21, 22]].max() > 0.5:
        low, high = points.min(axis=0), points.max(axis=0)
        center = (low + high) / 2
        return CropSquare(float(center[0]), float(center[1]), 0.65 * float((high - low).max()))
    center = body_25[8, :2]
    radius = 1.45 * float(np.linalg.norm(points - center, axis=1).max())
    return CropSquare(float(center[0]), float(center[1]) + 0.05 * radius, radius)


def model_points(
    points_px: npt.NDArray[np.float64], image_from_crop: npt.NDArray[np.float64], size: int
) -> npt.NDArray[np.float64]:
    """Points of an image in the model space of a crop.

    Args:
        points_px: (N, 3) x, y in pixels of the image, and z in the same unit, away from the camera.
        image_from_crop: (3, 3), see PersonCrop.
        size: pixels of the crop's side.

    Returns:
        (N, 3) in model units, z towards the camera.
    """
    image_from_model = image_from_crop @ crop_from_model(size)
    xy = apply_transform(np.linalg.inv(image_from_model), points_px[:, :2])
    return np.column_stack([xy, -points_px[:, 2] / image_from_model[0, 0]])
