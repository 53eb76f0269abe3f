"""A picture to judge a capture by: the photo, and beside it every person as reconstructed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.stages.turntable import render_styles, usual_styles
from pifuhd_ros.types import Frame, Reconstruction

VIEW_YAW_DEG = 35.0
"""From a little to the right, where the shape shows and not only the photo again."""


def preview(
    frame: Frame, people: Sequence[Reconstruction], height_px: int
) -> npt.NDArray[np.uint8]:
    """Return the photo and each person's ``usual_styles``, left to right, (height_px, W, 3) sRGB.

    Args:
        frame: The frame that was reconstructed.
        people: Who was found in it.
        height_px: Height of the picture.
    """
    tiles = [_scaled(frame.rgb, height_px)]
    for person in people:
        styles = usual_styles(person.mesh)
        tiles += render_styles(person.mesh, styles, VIEW_YAW_DEG, height_px)
    return np.concatenate(tiles, axis=1)


def _scaled(rgb: npt.NDArray[np.uint8], height_px: int) -> npt.NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    size = (height_px, max(1, round(width * height_px / height)))
    pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].float()
    scaled = torch.nn.functional.interpolate(
        pixels, size=size, mode="bilinear", antialias=True, align_corners=False
    )
    result: npt.NDArray[np.uint8] = (
        scaled[0].round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    )
    return result
