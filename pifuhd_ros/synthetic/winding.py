"""The generalized winding number of triangles, closed or not."""

from __future__ import annotations

import math

import torch

_PAIRS_PER_CHUNK = 200_000


def winding_number(points: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Generalized winding number (N,) of a triangle soup (F, 3, 3) at points (N, 3).

    Source: Jacobson et al., "Robust Inside-Outside Segmentation using Generalized Winding
    Numbers", SIGGRAPH 2013; solid angle of a triangle from van Oosterom and Strackee, 1983.
    """
    # Every dot product below is affine in the point, but for |p|²: seven matrix products replace
    # the vectors of all pairs.
    origin = triangles.reshape(-1, 3).mean(0)
    A, B, C = (triangles - origin).unbind(1)
    p_all = points - origin
    cross = torch.linalg.cross(A, B) + torch.linalg.cross(B, C) + torch.linalg.cross(C, A)
    volume = (A * torch.linalg.cross(B, C)).sum(1)

    def products(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (x * y).sum(1), -(x + y).T

    pairs = [products(x, y) for x, y in ((A, A), (B, B), (C, C), (A, B), (B, C), (C, A))]
    result = torch.zeros(len(points), device=points.device)
    step = max(1, _PAIRS_PER_CHUNK // max(1, len(triangles)))
    for start in range(0, len(points), step):
        p = p_all[start : start + step]
        square = p.square().sum(1, keepdim=True)
        la, lb, lc, ab, bc, ca = (torch.addmm(k, p, m).add_(square) for k, m in pairs)
        for length in (la, lb, lc):
            length.clamp_(min=0).sqrt_()
        under = (la * lb).mul_(lc).addcmul_(ab, lc).addcmul_(bc, la).addcmul_(ca, lb)
        over = torch.addmm(volume, p, -cross.T)
        result[start : start + step] = torch.atan2(over, under).sum(1) / (2 * math.pi)
    return result
