"""From the light that reaches a sensor to the JPEG that a camera saves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional as F

from pifuhd_ros.stages.srgb import srgb_from_linear
from unlike.places import Exposure

_KEY = 0.16
"""The meter brings the picture's geometric mean here."""


def develop(
    radiance: npt.NDArray[np.float32], exposure: Exposure, seed: int
) -> npt.NDArray[np.uint8]:
    """A photo (H, W, 3), sRGB: metered, balanced, noisy and a little soft.

    Args:
        radiance: (H, W, 3), linear, any unit.
        exposure: how the camera is set.
        seed: of the noise.
    """
    random = np.random.default_rng(seed)
    height, width = radiance.shape[:2]
    v, u = np.mgrid[0:height, 0:width]
    centre = np.exp(-2 * ((u / width - 0.5) ** 2 + (v / height - 0.5) ** 2) / 0.35**2)
    grey = radiance.mean(axis=2).clip(1e-4)
    mean = np.exp((np.log(grey) * centre).sum() / centre.sum())
    light = radiance * (_KEY / mean * 2**exposure.stops)
    means = (light.clip(0, 1) * centre[..., None]).sum((0, 1)) / centre.sum()
    light = light * (means.mean() / means.clip(1e-4)) ** exposure.white_balance
    light = _blurred(light, exposure.blur_px)
    # Shot noise grows with the root of the light; what is read out adds a little everywhere.
    noise = random.standard_normal(light.shape) * np.sqrt(light.clip(0) * 0.5 + 0.02)
    grain = _blurred(noise.astype(np.float32), 0.6) * 1.5
    light = light + exposure.noise / np.sqrt(0.18 * 0.5 + 0.02) * grain
    vignette = 1 - 0.25 * ((u / width - 0.5) ** 2 + (v / height - 0.5) ** 2) / 0.5
    light = light.clip(0) * vignette[..., None]
    return srgb_from_linear(_film(light, exposure.contrast))


def _film(light: npt.NDArray[np.floating], contrast: float) -> npt.NDArray[np.float64]:
    """Soft shoulder and toe. Source: Narkowicz, ACES filmic tone mapping curve, 2015."""
    x = 0.18 * (light / 0.18) ** contrast
    return x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)


def _blurred(image: npt.NDArray[np.floating], sigma_px: float) -> npt.NDArray[np.float32]:
    reach = max(1, round(3 * sigma_px))
    x = torch.arange(-reach, reach + 1).float()
    kernel = (-0.5 * (x / sigma_px).square()).exp()
    kernel = kernel / kernel.sum()
    maps = torch.from_numpy(np.ascontiguousarray(image)).float().permute(2, 0, 1)[:, None]
    maps = F.pad(maps, (reach,) * 4, mode="replicate")
    maps = F.conv2d(F.conv2d(maps, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    return maps[:, 0].permute(1, 2, 0).numpy()


def save_jpeg(photo: npt.NDArray[np.uint8], path: Path, exposure: Exposure) -> None:
    """Writes the photo as the camera does."""
    Image.fromarray(photo).save(path, quality=exposure.jpeg_quality)
