"""Between space before the camera and the model box, whose x and y are the crop's pixels.

A camera at distance d from the box's centre sees (x, y, z) at (x, y) / (1 - z / d). The box holds a
point where it is seen, with its own z; space holds it where it is. Distances, gradients and normals
are those of space. With 1 / d = 0 the camera is orthographic and both are the same.
"""

from __future__ import annotations

import torch


def space_from_seen(points: torch.Tensor, inverse_distance: torch.Tensor) -> torch.Tensor:
    """Points of the model box where they are in space.

    Args:
        points: (B, N, 3), x and y as they are seen.
        inverse_distance: (B,) one over the camera's distance [1 / model units].

    Returns:
        (B, N, 3).
    """
    shrink = 1 - points[..., 2:] * inverse_distance[:, None, None]
    return torch.cat([points[..., :2] * shrink, points[..., 2:]], -1)


def seen_from_space(points: torch.Tensor, inverse_distance: torch.Tensor) -> torch.Tensor:
    """Points (B, N, 3) of space where the camera sees them: the inverse of space_from_seen."""
    shrink = 1 - points[..., 2:] * inverse_distance[:, None, None]
    return torch.cat([points[..., :2] / shrink.clamp(min=_NEAREST), points[..., 2:]], -1)


def seen_gradients(
    gradients: torch.Tensor, seen: torch.Tensor, inverse_distance: torch.Tensor
) -> torch.Tensor:
    """Gradients of a function of space, taken to the model box.

    Args:
        gradients: (B, N, 3) by the coordinates of space.
        seen: (B, N, 3) the points, as they are seen.
        inverse_distance: (B,).

    Returns:
        (B, N, 3) by the coordinates of the box.
    """
    inverse = inverse_distance[:, None, None]
    across = gradients[..., :2] * (1 - seen[..., 2:] * inverse)
    slant = (seen[..., :2] * gradients[..., :2]).sum(-1, keepdim=True) * inverse
    return torch.cat([across, gradients[..., 2:] - slant], -1)


_NEAREST = 0.05
"""Nothing is projected that lies nearer to the camera than this share of its distance."""
