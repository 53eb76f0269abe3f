"""Light read off a photo: its colours over the normals of an estimated surface."""

from __future__ import annotations

import torch
from torch.nn import functional as F

FIT_CHANNELS = 15
"""Of ``fit_light``: three mean colours, and four coefficients of each colour."""
_RIDGE = 0.02
"""Share of the pixels by which coefficients are drawn to zero: few normals tell little."""


def normals_of_depth(depth: torch.Tensor) -> torch.Tensor:
    """Unit normals (B, 3, S, S) towards the camera of depth maps (B, 1, S, S), model space."""
    pixel = 2 / depth.shape[-1]
    padded = F.pad(depth, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / (2 * pixel)
    up = (padded[..., :-2, 1:-1] - padded[..., 2:, 1:-1]) / (2 * pixel)
    return F.normalize(torch.cat([-across, -up, torch.ones_like(depth)], 1), dim=1)


def fit_light(colors: torch.Tensor, normals: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The colours of people as a linear function of the normals, by ridge regression.

    Under light without shadows, a surface of one albedo shows, to first order, a constant and a
    multiple of its normal (Ramamoorthi and Hanrahan, SIGGRAPH 2001); the albedos of a body average
    out.

    Args:
        colors: (B, 3, S, S), as stored.
        normals: (B, 3, S, S) unit.
        mask: (B, 1, S, S) 1 on the person, else 0.

    Returns:
        (B, FIT_CHANNELS): the mean colour, then the constant and the coefficients of x, y and z of
        each colour over its mean; zeros where the mask is empty.
    """
    weight = mask.flatten(2)
    count = weight.sum(2).clamp(min=1)
    seen = colors.flatten(2)
    mean = (seen * weight).sum(2) / count
    basis = torch.cat([torch.ones_like(mask), normals], 1).flatten(2) * weight
    gram = basis @ basis.transpose(1, 2)
    ridge = _RIDGE * count[:, :, None] * torch.eye(4, device=gram.device)
    relative = seen / mean[:, :, None].clamp(min=0.02)
    fitted = torch.linalg.solve(gram + ridge, basis @ relative.transpose(1, 2))
    return torch.cat([mean, fitted.flatten(1)], 1)
