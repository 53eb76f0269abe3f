"""Unit vectors."""

from __future__ import annotations

import math

import torch


def unit(vectors: torch.Tensor, dim: int) -> torch.Tensor:
    """Vectors of length one along ``dim``; shorter than 1e-6 becomes shorter still, never NaN.

    Written out because torch's norm over a dimension that is not the last is ten times slower.
    """
    return vectors * (vectors.square().sum(dim, keepdim=True) + 1e-12).rsqrt()


def sphere_directions(count: int, device: torch.device) -> torch.Tensor:
    """(count, 3) unit vectors, evenly spread. Source: Vogel's sunflower spiral on the sphere."""
    index = torch.arange(count, device=device) + 0.5
    y = 1 - 2 * index / count
    angle = index * (math.pi * (3 - math.sqrt(5)))
    ring = (1 - y.square()).sqrt()
    return torch.stack([ring * angle.cos(), y, ring * angle.sin()], 1)
