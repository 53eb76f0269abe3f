"""Bilinear samples whose gradients can be differentiated again."""

from __future__ import annotations

import torch


def sample_twice_differentiable(features: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """What sample_features gives inside the map; beyond its border, the border's values.

    Torch's own sampler has no second derivative, which a loss on the gradient of a field asks for.

    Args:
        features: (B, C, H, W); pixel centres of the border lie at -1 and +1.
        points: (B, N, 2) or (B, N, 3), model space: x right, y up; z is not used.

    Returns:
        (B, N, C).
    """
    batch, channels, height, width = features.shape
    u = ((points[..., 0] + 1) / 2 * (width - 1)).clamp(0, width - 1)
    v = ((1 - points[..., 1]) / 2 * (height - 1)).clamp(0, height - 1)
    left = u.detach().floor().clamp(max=max(width - 2, 0))
    top = v.detach().floor().clamp(max=max(height - 2, 0))
    right_share, low_share = u - left, v - top
    first = (top * width + left).long()
    flat = features.permute(0, 2, 3, 1).reshape(batch * height * width, channels)
    first = first + torch.arange(batch, device=first.device)[:, None] * (height * width)
    across, down = min(1, width - 1), width * min(1, height - 1)

    def corner(step: int, share: torch.Tensor) -> torch.Tensor:
        rows = flat.index_select(0, (first + step).view(-1))
        return rows.view(batch, -1, channels) * share[..., None]

    return (
        corner(0, (1 - right_share) * (1 - low_share))
        + corner(across, right_share * (1 - low_share))
        + corner(down, (1 - right_share) * low_share)
        + corner(across + down, right_share * low_share)
    )
