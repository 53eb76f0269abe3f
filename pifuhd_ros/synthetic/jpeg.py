"""What storing an image as JPEG does to it."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)
"""Source: ITU-T T.81, annex K.1."""
_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""Source: JFIF 1.02, section 7."""


def _transform(device: torch.device) -> torch.Tensor:
    """(64, 64) coefficients_from_block of the two-dimensional DCT, orthonormal."""
    k = torch.arange(8, device=device, dtype=torch.float32)
    one = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) / 2
    one[0] /= math.sqrt(2)
    return torch.kron(one, one)


def _quantise(plane: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Planes (B, H, W) whose blocks have only whole multiples of the tables (B, 64)."""
    count, height, width = plane.shape
    transform = _transform(plane.device)
    blocks = plane.view(count, height // 8, 8, width // 8, 8).transpose(2, 3).reshape(count, -1, 64)
    coefficients = blocks @ transform.T
    coefficients = (coefficients / table[:, None]).round_().mul_(table[:, None])
    blocks = (coefficients @ transform).view(count, height // 8, width // 8, 8, 8)
    return blocks.transpose(2, 3).reshape(count, height, width)


def jpeg(images: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """Images as they come back from JPEG files of 4:2:0, with the standard's tables.

    Args:
        images: (B, 3, H, W) in [0, 1].
        quality: (B,) from 1 to 100, scaled as libjpeg does.
    """
    _, _, height, width = images.shape
    padding = (0, -width % 16, 0, -height % 16)
    pixels = F.pad(images, padding, mode="replicate") * 255
    conversion = torch.tensor(_YCBCR, device=images.device)
    count, _, padded_height, padded_width = pixels.shape
    planes = torch.matmul(conversion, pixels.flatten(2)).view_as(pixels)

    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None]
    tables = torch.tensor([_LUMINANCE, _CHROMINANCE], device=images.device, dtype=torch.float32)
    luminance, chrominance = (
        ((table * scale + 50) / 100).floor().clamp(1, 255) for table in tables
    )

    bright = _quantise(planes[:, 0] - 128, luminance) + 128
    colour = F.avg_pool2d(planes[:, 1:], 2).flatten(0, 1)
    colour = _quantise(colour, chrominance.repeat_interleave(2, 0))
    colour = colour.view(count, 2, padded_height // 2, padded_width // 2)
    # libjpeg enlarges chroma with the same triangle filter.
    size = (padded_height, padded_width)
    colour = F.interpolate(colour, size=size, mode="bilinear", align_corners=False)
    planes = torch.cat([bright[:, None], colour], 1).flatten(2)
    result = torch.matmul(torch.linalg.inv(conversion), planes).view_as(pixels)
    return result[:, :, :height, :width].div(255).clamp_(0, 1)
