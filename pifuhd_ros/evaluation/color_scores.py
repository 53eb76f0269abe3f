"""A predicted albedo, measured beside what can be had without any network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps
from pifuhd_ros.evaluation.image_metrics import psnr_db, ssim
from pifuhd_ros.types import Frame, SurfaceError


@dataclass(frozen=True)
class AlbedoScores:
    """How two views of a person differ from the true albedo."""

    psnr_front_db: float
    psnr_back_db: float
    ssim_front: float
    ssim_back: float


@dataclass(frozen=True)
class ColorScores:
    """A system's albedo and two baselines, over the same pixels."""

    albedo: AlbedoScores
    """Of the system."""
    photo: AlbedoScores
    """Of the photo taken for the albedo, behind the person the same pixels: as PIFuHD paints."""
    mean_color: AlbedoScores
    """Of the person's mean colour in the photo, everywhere."""
    cover: float
    """The compared share of the person's pixels: those that the system's shape covers, too."""

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ColorScores:
        """What ``dataclasses.asdict`` made, back."""
        named = {name: AlbedoScores(**data[name]) for name in ALBEDOS}
        return ColorScores(**named, cover=data["cover"])


ALBEDOS = ("albedo", "photo", "mean_color")
"""What is compared: the fields of ColorScores that are AlbedoScores."""


def score_colors(photo: Frame, true: AlbedoMaps, predicted: AlbedoMaps) -> ColorScores:
    """Compare a predicted albedo with the true one.

    Args:
        photo: that the system saw.
        true: in its pixels.
        predicted: in its pixels.

    Raises:
        SurfaceError: the prediction covers nothing of the person.
    """
    both = true.whole & predicted.whole
    if not both.any():
        raise SurfaceError("the shape covers nothing of the person: no colour can be compared")
    seen = photo_colors(photo)
    mean = seen[:, true.whole].mean(1)[:, None, None] * np.ones_like(seen)

    def scores(front: npt.NDArray[np.float32], back: npt.NDArray[np.float32]) -> AlbedoScores:
        true_front, true_back = true.front.numpy(), true.back.numpy()
        return AlbedoScores(
            psnr_front_db=psnr_db(front, true_front, both),
            psnr_back_db=psnr_db(back, true_back, both),
            ssim_front=ssim(front, true_front, both),
            ssim_back=ssim(back, true_back, both),
        )

    return ColorScores(
        albedo=scores(predicted.front.numpy(), predicted.back.numpy()),
        photo=scores(seen, seen),
        mean_color=scores(mean, mean),
        cover=float(both.sum() / true.whole.sum()),
    )


def photo_colors(photo: Frame) -> npt.NDArray[np.float32]:
    """(3, H, W) in [0, 1], as stored."""
    colors: npt.NDArray[np.float32] = (
        (torch.from_numpy(photo.rgb).float() / 255).permute(2, 0, 1).contiguous().numpy()
    )
    return colors
