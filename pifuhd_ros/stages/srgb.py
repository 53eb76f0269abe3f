"""sRGB and linear light."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def linear_from_srgb(srgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Linear light in [0, 1] of 8-bit sRGB values, any shape. Source: IEC 61966-2-1."""
    values = np.arange(256) / 255.0
    curve = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    linear: npt.NDArray[np.float32] = curve.astype(np.float32)[srgb]
    return linear


def srgb_from_linear(linear: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """8-bit sRGB values of linear light, clipped to [0, 1], any shape. Source: IEC 61966-2-1."""
    clipped = np.clip(linear, 0.0, 1.0)
    curve = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)
    srgb: npt.NDArray[np.uint8] = np.round(curve * 255.0).astype(np.uint8)
    return srgb
