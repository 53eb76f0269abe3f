"""The square image of one person that the networks see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.geometry.crop_transforms import (
    CropSquare,
    crop_box,
    crop_box_of_keypoints,
    image_from_crop,
    model_points,
)
from pifuhd_ros.stages.body_pose import body_25, stature_px
from pifuhd_ros.stages.detected_joints import joints_in_crop
from pifuhd_ros.types import Frame, PersonCrop, PersonDetection

Framing = Literal["mask", "keypoints"]
"""``mask``: around the person's mask, black background, as our networks are trained;
``keypoints``: around the keypoints, gray background, as the published network was."""

MAX_GROWTH = 3.0
"""The crop of a person who is cut off is at most so many times as large as what is seen."""
HEAD_TOP_SHARE, SOLE_SHARE = 0.08, 0.02
"""From the eyes' height to the top of the head and from the toes to the soles, over the stature."""


def crop_person(
    frame: Frame, detection: PersonDetection, size: int = 512, framing: Framing = "mask"
) -> PersonCrop:
    """The person in a square, anti-aliased, without background; black beyond the frame.

    Args:
        frame: what the detection was found in.
        detection: whom to crop.
        size: pixels of the crop's side.
        framing: where the crop lies and what stands for the background.

    Returns:
        The crop. With ``framing="keypoints"`` its image is the person over half gray within the
        frame; else it is black wherever the mask is 0.
    """
    square = crop_square(detection, framing)
    frame_from_crop = image_from_crop(square, size)
    rgb, mask, inside = _resample(frame.rgb, detection.mask, square, size)
    background = 0.5 * inside if framing == "keypoints" else np.zeros_like(inside)
    image = rgb * mask[..., None] + (background * (1 - mask))[..., None]
    return PersonCrop(
        image=torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
        mask=torch.from_numpy(mask),
        image_from_crop=frame_from_crop,
        joints=joints_in_crop(detection, frame_from_crop, size),
        face=_face_in_crop(detection, frame_from_crop, size),
    )


def _face_in_crop(
    detection: PersonDetection, frame_from_crop: npt.NDArray[np.float64], size: int
) -> torch.Tensor | None:
    if detection.face_px is None:
        return None
    points = model_points(detection.face_px, frame_from_crop, size)
    return torch.from_numpy(points.astype(np.float32))


def crop_square(detection: PersonDetection, framing: Framing = "mask") -> CropSquare:
    """Where the crop of a person lies in the frame."""
    if framing == "keypoints":
        return crop_box_of_keypoints(body_25(detection.keypoints_px))
    return crop_box(body_box(detection))


def body_box(detection: PersonDetection) -> npt.NDArray[np.float64]:
    """The box of the whole person (4,), in pixels, the unseen part estimated.

    For a person within the frame it is the box of the mask. For one who is cut off it is widened,
    over the borders that the mask touches, to the keypoints predicted beyond them, so that the
    person has the size in the crop that the networks know.
    """
    box = detection.box_xyxy_px.copy()
    if not detection.is_cut_off:
        return box
    height, width = detection.mask.shape
    points = detection.keypoints_px[:, :2]
    stature = stature_px(detection) or 0.0
    limit = (MAX_GROWTH - 1) * max(box[2] - box[0], box[3] - box[1])
    low = points.min(axis=0) - np.array([0, HEAD_TOP_SHARE * stature])
    high = points.max(axis=0) + np.array([0, SOLE_SHARE * stature])
    if box[0] < 0:
        box[0] = np.clip(low[0], box[0] - limit, box[0])
    if box[1] < 0:
        box[1] = np.clip(low[1], box[1] - limit, box[1])
    if box[2] > width - 1:
        box[2] = np.clip(high[0], box[2], box[2] + limit)
    if box[3] > height - 1:
        box[3] = np.clip(high[1], box[3], box[3] + limit)
    return box


def _resample(
    rgb: npt.NDArray[np.uint8], mask: npt.NDArray[np.float32], square: CropSquare, size: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Colour (S, S, 3), mask (S, S) and what lies within the frame (S, S), each in [0, 1].

    Colours are averaged with the mask as weight, so none of the background bleeds in.
    """
    from PIL import Image

    scale = 2 * square.half_size_px / (size - 1)
    # The outer edge of the crop's first pixel; Pillow's pixel (0, 0) covers [0, 1].
    edge = -square.half_size_px - scale / 2 + 0.5
    across = _Span.of(square.cx_px + edge, scale, size, mask.shape[1])
    down = _Span.of(square.cy_px + edge, scale, size, mask.shape[0])
    rgba = np.zeros((down.length, across.length, 4), np.uint8)
    inside = np.zeros((down.length, across.length), np.uint8)
    rgba[down.copy_to, across.copy_to, :3] = rgb[down.copy_from, across.copy_from]
    rgba[down.copy_to, across.copy_to, 3] = np.rint(mask[down.copy_from, across.copy_from] * 255)
    inside[down.copy_to, across.copy_to] = 255
    box = (across.box[0], down.box[0], across.box[1], down.box[1])
    crop = np.zeros((size, size, 5), np.float32)
    for channels, pixels in ((slice(0, 4), rgba), (slice(4, 5), inside)):
        # Pillow weighs the colours of an RGBA image with its opacity.
        part = Image.fromarray(pixels).resize(
            (across.last - across.first, down.last - down.first), Image.Resampling.BILINEAR, box
        )
        crop[down.first : down.last, across.first : across.last, channels] = (
            np.asarray(part, dtype=np.float32).reshape(part.height, part.width, -1) / 255
        )
    return crop[..., :3], np.ascontiguousarray(crop[..., 3]), crop[..., 4]


@dataclass(frozen=True)
class _Span:
    """One axis of the resampling: the part of the crop that sees the frame, and what it sees."""

    first: int
    last: int
    """Crop pixels [first, last)."""
    length: int
    """Pixels of the padded part of the frame."""
    copy_from: slice
    copy_to: slice
    """From the frame into its padded part."""
    box: tuple[float, float]
    """What [first, last) covers in the padded part."""

    @classmethod
    def of(cls, edge: float, scale: float, size: int, frame_size: int) -> _Span:
        """The span of a crop whose ``size`` pixels of ``scale`` frame pixels start at ``edge``."""
        # The filter reaches one pixel of the coarser side beyond a pixel's own footprint.
        reach = max(1.0, scale)
        first = min(max(0, math.floor((-reach - edge) / scale)), size - 1)
        last = max(min(size, math.ceil((frame_size + reach - edge) / scale)), first + 1)
        start = math.floor(edge + first * scale - reach)
        stop = math.ceil(edge + last * scale + reach)
        seen = slice(min(max(start, 0), frame_size), min(max(stop, 0), frame_size))
        return cls(
            first=first,
            last=last,
            length=stop - start,
            copy_from=seen,
            copy_to=slice(seen.start - start, seen.stop - start)
            if seen.stop > seen.start
            else slice(0, 0),
            box=(edge + first * scale - start, edge + last * scale - start),
        )
