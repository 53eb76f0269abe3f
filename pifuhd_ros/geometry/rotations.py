"""Rotations as matrices and axis-angle vectors, batched."""

from __future__ import annotations

import math

import torch


def matrix_from_axis_angle(axis_angle: torch.Tensor) -> torch.Tensor:
    """Rotation matrices (..., 3, 3) of axis-angle vectors (..., 3) [rad]. Source: Rodrigues."""
    angle = axis_angle.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    x, y, z = (axis_angle / angle).unbind(-1)
    zero = torch.zeros_like(x)
    K = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(*x.shape, 3, 3)
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    s, c = angle.sin()[..., None], angle.cos()[..., None]
    matrix: torch.Tensor = eye + s * K + (1 - c) * (K @ K)
    return matrix


def axis_angle_from_matrix(matrix: torch.Tensor) -> torch.Tensor:
    """Axis-angle vectors (..., 3) [rad] of rotations (..., 3, 3) that turn by less than pi."""
    trace = matrix.diagonal(dim1=-2, dim2=-1).sum(-1)
    angle = ((trace - 1) / 2).clamp(-1 + 1e-7, 1 - 1e-7).arccos()
    axis = torch.stack(
        [
            matrix[..., 2, 1] - matrix[..., 1, 2],
            matrix[..., 0, 2] - matrix[..., 2, 0],
            matrix[..., 1, 0] - matrix[..., 0, 1],
        ],
        -1,
    )
    return axis * (angle / (2 * angle.sin()))[..., None]


def blend_rotations(a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The rotation a fraction ``t`` of the way from ``a`` to ``b``, along the shortest arc."""
    return a @ matrix_from_axis_angle(t * axis_angle_from_matrix(a.mT @ b))


def view_rotation(yaw_deg: float, pitch_deg: float = 0.0) -> torch.Tensor:
    """Turns a y-up person by yaw, then tips it forward (pitch > 0: seen from above)."""
    yaw = matrix_from_axis_angle(torch.tensor([0.0, math.radians(yaw_deg), 0.0]))
    pitch = matrix_from_axis_angle(torch.tensor([math.radians(pitch_deg), 0.0, 0.0]))
    return pitch @ yaw
