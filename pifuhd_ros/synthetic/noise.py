"""Random images: white and smooth noise."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def uniform(
    generator: torch.Generator, low: float, high: float, *shape: int, device: torch.device
) -> torch.Tensor:
    """Numbers in [low, high), drawn on the CPU and brought to ``device``."""
    return (low + (high - low) * torch.rand(shape, generator=generator)).to(device)


def white_noise(
    shape: tuple[int, ...], generator: torch.Generator, device: torch.device
) -> torch.Tensor:
    """Standard normal numbers, drawn on ``device`` itself from a seed that the generator gives.

    The one exception to drawing on the CPU: an image full of numbers takes longer to carry over
    than to make. The same seed gives the same noise on the same kind of device.
    """
    seed = int(torch.randint(2**31, (), generator=generator))
    own = torch.Generator(device).manual_seed(seed)
    return torch.randn(shape, generator=own, device=device)


def smooth_noise(
    count: int,
    channels: int,
    size_px: int,
    cells: int,
    generator: torch.Generator,
    device: torch.device,
) -> torch.Tensor:
    """Noise (count, channels, size_px, size_px) that varies over a grid of ``cells`` a side.

    Bilinear between normal numbers; its standard deviation is one on the grid's points.
    """
    grid = torch.randn((count, channels, cells + 1, cells + 1), generator=generator).to(device)
    return F.interpolate(grid, size=(size_px, size_px), mode="bilinear", align_corners=True)
