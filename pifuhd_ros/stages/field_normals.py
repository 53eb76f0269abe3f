"""Surface normals from the gradient of a field."""

from __future__ import annotations

import torch

from pifuhd_ros.types.field import ImplicitField


def field_normals(
    field: ImplicitField, points: torch.Tensor, step: float, max_points_per_query: int
) -> torch.Tensor:
    """Outward unit normals of the level sets of a field, by central differences.

    Args:
        field: the shape.
        points: (N, 3) float32 in model space.
        step: distance to either side of a point, in model units.
        max_points_per_query: upper bound of the points of one ``field.query``.

    Returns:
        (N, 3) float32 in model space; zero where the field does not change.
    """
    offsets = step * torch.eye(3, device=points.device)
    outward = -1.0 if field.inside_is_above else 1.0
    gradients = []
    for chunk in torch.split(points, max(1, max_points_per_query // 6)):
        around = torch.cat((chunk[:, None] + offsets, chunk[:, None] - offsets), dim=1)
        with torch.no_grad():
            values = field.query(around.reshape(-1, 3)).to(torch.float32).reshape(-1, 6)
        gradients.append(outward * (values[:, :3] - values[:, 3:]))
    return torch.nn.functional.normalize(torch.cat(gradients), dim=-1)
