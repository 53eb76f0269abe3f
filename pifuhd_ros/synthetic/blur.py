"""Gaussian blur, of each image by another amount."""

from __future__ import annotations

import torch
from torch.nn import functional as F

_RADIUS = 4


def blur(images: torch.Tensor, sigma_px: torch.Tensor) -> torch.Tensor:
    """Images (B, C, H, W) blurred by Gaussians, cut off 4 pixels from their middle.

    Args:
        images: (B, C, H, W).
        sigma_px: (B, 2) standard deviations, down and across.
    """
    count, channels, height, width = images.shape
    offset = torch.arange(-_RADIUS, _RADIUS + 1, device=images.device)
    kernel = torch.exp(-0.5 * (offset / sigma_px[..., None].clamp(min=0.2)) ** 2)
    kernel = (kernel / kernel.sum(-1, keepdim=True)).repeat_interleave(channels, 0)
    size = 2 * _RADIUS + 1
    flat = images.reshape(1, count * channels, height, width)
    flat = F.pad(flat, (_RADIUS,) * 4, mode="replicate")
    flat = F.conv2d(flat, kernel[:, 0].view(-1, 1, size, 1), groups=count * channels)
    flat = F.conv2d(flat, kernel[:, 1].view(-1, 1, 1, size), groups=count * channels)
    return flat.view_as(images)
