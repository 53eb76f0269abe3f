"""Depth maps whose slopes are those of normal maps."""

from __future__ import annotations

import torch
from torch.nn import functional as F

_PULL = 0.008
"""Weight of the given depths against the slopes: they hold beyond some eleven pixels."""
_JUMP = 0.06
"""Where the given depths change by this much more from pixel to pixel than the normals say [model
units], another limb begins, and slopes say nothing."""
_FLATTEST = 0.15
"""Normals closer to the image plane count as if their z were this."""
_STEPS = 40
"""Of the solver; what they leave is under 0.2 mm. A fixed number: so a GPU can record them."""
_TINY = 1e-20


def integrate_normals(
    depth: torch.Tensor, normals: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """The depth maps near to given ones that slope as the normals say.

    What minimises, summed over pixels and pairs of neighbours, pull · (z - depth)² and
    trust · (Δz - slope)²: screened Poisson integration. The trust falls where normals turn to the
    image plane and where the given depths jump, which keeps the edges between limbs.

    Args:
        depth: (B, C, S, S) z, model space.
        normals: (B, C, 3, S, S) unit, model space; those of a back point away from the camera.
        mask: (B, 1, S, S) 1 where they count, else 0; there the depths stay.

    Returns:
        (B, C, S, S) float32.

    Source: Cao et al., Bilateral Normal Integration, ECCV 2022; the weights are ours.
    """
    depth, sure = depth.float(), normals[:, :, 2].float().square() * mask
    rightwards, downwards = _slopes(normals.float())
    lacks_x = rightwards - depth.diff(dim=3)
    lacks_y = downwards - depth.diff(dim=2)
    trust_x = torch.minimum(sure[..., 1:], sure[..., :-1]) * (-(lacks_x / _JUMP).square()).exp()
    trust_y = (
        torch.minimum(sure[..., 1:, :], sure[..., :-1, :]) * (-(lacks_y / _JUMP).square()).exp()
    )

    # The change of the depths, by conjugate gradients preconditioned by the diagonal.
    diagonal = _PULL + _spread(trust_x, trust_y, 1)
    residual = _spread(trust_x * lacks_x, trust_y * lacks_y, -1)
    change = torch.zeros_like(depth)
    direction = eased = residual / diagonal
    power = _sums(residual * eased)
    for _ in range(_STEPS):
        answer = _PULL * direction + _spread(
            trust_x * direction.diff(dim=3), trust_y * direction.diff(dim=2), -1
        )
        step = power / _sums(direction * answer).clamp(min=_TINY)
        change = change + step * direction
        residual = residual - step * answer
        eased = residual / diagonal
        before, power = power, _sums(residual * eased)
        direction = eased + power / before.clamp(min=_TINY) * direction
    return depth + change


def _slopes(normals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How z changes from each pixel to the next, rightwards (…, S, S - 1) and downwards."""
    x, y, z = normals.unbind(2)
    slant = torch.where(z < 0, -1.0, 1.0) * z.abs().clamp(min=_FLATTEST)
    right, down = -x / slant, y / slant
    pixel = 2 / (normals.shape[-1] - 1)
    return (
        (right[..., 1:] + right[..., :-1]) * (pixel / 2),
        (down[..., 1:, :] + down[..., :-1, :]) * (pixel / 2),
    )


def _spread(across: torch.Tensor, along: torch.Tensor, sign: int) -> torch.Tensor:
    """What pairs of neighbours hold, summed at their pixels: the second's, and sign · the first's.

    With -1 the transpose of differences.
    """
    second = F.pad(across, (1, 0)) + F.pad(along, (0, 0, 1, 0))
    return second + sign * (F.pad(across, (0, 1)) + F.pad(along, (0, 0, 0, 1)))


def _sums(maps: torch.Tensor) -> torch.Tensor:
    return maps.sum((2, 3), keepdim=True)
