"""Rays to the surface of a signed distance, so that what they find can teach the distance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

Distance = Callable[[torch.Tensor], torch.Tensor]
"""Points (B, N, 3) to signed distances (B, N)."""

_LONGEST_STEP = 0.3
_LEAST_SLOPE = 0.1


@dataclass(frozen=True)
class Traced:
    """Where rays came to, without gradients."""

    end: torch.Tensor
    """(B, N, 3) after the last step."""
    hit: torch.Tensor
    """(B, N) bool: the end lies on the surface."""
    closest: torch.Tensor
    """(B, N, 3) the place on the way that is farthest inside, or nearest to the surface."""


@torch.no_grad()
def trace_rays(
    distance: Distance,
    origins: torch.Tensor,
    directions: torch.Tensor,
    reach: torch.Tensor,
    steps: int,
    tolerance: float = 0.01,
) -> Traced:
    """March along rays by what the distance says is free.

    Args:
        distance: positive outside.
        origins: (B, N, 3).
        directions: (B, N, 3) unit.
        reach: (B, N) how far rays go.
        steps: of the march.
        tolerance: of the distance of what is hit.

    Source: Hart, Sphere Tracing, The Visual Computer 1996.
    """
    along = torch.zeros_like(reach)
    least = torch.full_like(reach, torch.inf)
    closest = origins
    for _ in range(steps):
        here = origins + along[..., None] * directions
        free = distance(here)
        nearer = free < least
        least = torch.where(nearer, free, least)
        closest = torch.where(nearer[..., None], here, closest)
        along = (along + free.clamp(-_LONGEST_STEP, _LONGEST_STEP)).clamp(min=0)
    end = origins + along[..., None] * directions
    hit = (distance(end).abs() < tolerance) & (along < reach)
    return Traced(end, hit, closest)


def meet_surface(
    points: torch.Tensor,
    directions: torch.Tensor,
    distance: torch.Tensor,
    gradient: torch.Tensor,
) -> torch.Tensor:
    """Points of rays on the surface, whose derivatives say how they move as the distance changes.

    Args:
        points: (B, N, 3) on the surface, without gradients.
        directions: (B, N, 3) of the rays.
        distance: (B, N) at the points, with gradients.
        gradient: (B, N, 3) of the distance at the points.

    Returns:
        The points (B, N, 3), moved along their rays by one Newton step.

    Source: Yariv et al., Multiview Neural Surface Reconstruction by Disentangling Geometry and
    Appearance, NeurIPS 2020, equation 3.
    """
    slope = (gradient.detach() * directions).sum(-1)
    sign = torch.where(slope > 0, 1.0, -1.0)
    slope = torch.where(slope.abs() < _LEAST_SLOPE, _LEAST_SLOPE * sign, slope)
    return points - directions * (distance / slope)[..., None]
