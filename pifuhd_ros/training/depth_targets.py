"""The true depths of front and back at the places of a feature map."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def depths_at(
    true: torch.Tensor, mask: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Averages over the person's part of each feature's pixels, where it is more than half.

    Args:
        true: (B, 2, s, s) model-space z of the nearest and the farthest surface.
        mask: (B, 1, s, s) in [0, 1].
        size: side of the feature map; divides s.

    Returns:
        Depths (B, 2, size, size), and where (B, 1, size, size) they are known.
    """
    seen = (mask > 0.5).float()
    stride = true.shape[-1] // size
    weight = F.avg_pool2d(seen, stride)
    return F.avg_pool2d(true * seen, stride) / weight.clamp(min=1e-3), weight > 0.5
