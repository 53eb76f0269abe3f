"""Image features at points of the model box."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def sample_features(features: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Bilinear samples of a feature map where points project to (orthographic).

    Args:
        features: (B, C, H, W); pixel centres of the border lie at -1 and +1 (align_corners=True).
        points: (B, N, 2) or (B, N, 3), model space: x right, y up; z is not used.

    Returns:
        (B, N, C); zero where a point projects outside the map.
    """
    if features.dim() != 4 or points.dim() != 3 or points.shape[2] not in (2, 3):
        raise ValueError(
            "expected features (B, C, H, W) and points (B, N, 2 or 3), "
            f"got {tuple(features.shape)} and {tuple(points.shape)}"
        )
    grid = torch.stack([points[..., 0], -points[..., 1]], -1)[:, None]
    samples = F.grid_sample(features, grid.to(features.dtype), align_corners=True)
    return samples[:, :, 0].transpose(1, 2)


def resize_map(image: torch.Tensor, size: int) -> torch.Tensor:
    """(B, C, S, S) to (B, C, size, size): bilinear, align_corners=True, no copy at equal size."""
    if image.shape[-1] == size:
        return image
    return F.interpolate(image, size=(size, size), mode="bilinear", align_corners=True)


def smooth_map(image: torch.Tensor, size: int) -> torch.Tensor:
    """(B, C, S, S) to (B, C, size, size) by uniform cubic B-splines, align_corners=True.

    Smooth in value, slope and curvature. The spline passes between its coefficients, which takes
    from thin limbs, and through noise where it is made to interpolate. So what it takes at the
    pixels is given back to the coefficients by half. Beyond the border the border goes on.
    """
    side = image.shape[-1]
    kept = _cubic_spline(side, side).to(image)
    spline = _cubic_spline(side, size).to(image)
    # Autocast would round the depths so that slopes were lost in steps. Tensors without memory,
    # whose sizes alone are asked for, know none.
    device = "cpu" if image.is_meta else image.device.type
    with torch.autocast(device, enabled=False):
        coefficients = image + 0.5 * (image - kept @ image @ kept.T)
        return spline @ coefficients @ spline.T


def _cubic_spline(side: int, size: int) -> torch.Tensor:
    """(size, side) from coefficients at pixels to values at places from the first to the last."""
    place = torch.linspace(0, side - 1, size)
    first = place.floor().clamp(max=max(side - 2, 0))
    t = place - first
    weights = torch.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], 1
    )
    columns = (first[:, None] + torch.arange(-1, 3)).clamp(0, side - 1).long()
    return (F.one_hot(columns, side) * (weights / 6)[..., None]).sum(1)


def shrink_image(image: torch.Tensor, size: int) -> torch.Tensor:
    """(B, C, S, S) to (B, C, size, size) by averaging blocks of pixels; size divides S."""
    if image.shape[-1] == size:
        return image
    return F.avg_pool2d(image, image.shape[-1] // size)
