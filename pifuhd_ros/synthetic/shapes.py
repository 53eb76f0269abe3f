"""Small closed meshes: tubes, shells, grids."""

from __future__ import annotations

import math

import torch

from pifuhd_ros.synthetic.sheet import boundary_edges

Mesh = tuple[torch.Tensor, torch.Tensor]
"""Vertices (V, 3) and faces (F, 3), outward."""


def join(meshes: list[Mesh]) -> Mesh:
    """Several meshes as one."""
    faces: list[torch.Tensor] = []
    count = 0
    for vertices, own in meshes:
        faces.append(own + count)
        count += len(vertices)
    return torch.cat([vertices for vertices, _ in meshes]), torch.cat(faces)


def grid_faces(rows: int, columns: int, wraps: bool, device: torch.device) -> torch.Tensor:
    """(F, 3) of vertices numbered row by row; outward where rows run down and columns right."""
    index = torch.arange(rows * columns, device=device).view(rows, columns)
    if wraps:
        index = torch.cat([index, index[:, :1]], 1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return torch.stack([torch.stack([a, c, d], 2), torch.stack([a, d, b], 2)], 2).view(-1, 3)


def shell(vertices: torch.Tensor, faces: torch.Tensor, inner: torch.Tensor) -> Mesh:
    """A sheet (V, 3) and its inner side (V, 3), joined along their rims."""
    a, b = boundary_edges(faces).unbind(1)
    count = len(vertices)
    rim = torch.cat([torch.stack([a, b, b + count], 1), torch.stack([a, b + count, a + count], 1)])
    return torch.cat([vertices, inner]), torch.cat([faces, faces.flip(1) + count, rim])


def tube(
    path: torch.Tensor, wide: torch.Tensor, high: torch.Tensor, up: torch.Tensor, loops: bool
) -> Mesh:
    """A tube with elliptic sections.

    Args:
        path: (N, 3) its middle line [m].
        wide: (N,) half width [m], across ``up``.
        high: (N,) half height [m], towards ``up``.
        up: (3,) unit vector that is nowhere along the path.
        loops: The last point goes on to the first.
    """
    sides = 10
    if loops:
        along = path.roll(-1, 0) - path.roll(1, 0)
    else:
        along = torch.cat([path[1:2] - path[:1], path[2:] - path[:-2], path[-1:] - path[-2:-1]])
    along = torch.nn.functional.normalize(along, dim=1)
    across = torch.nn.functional.normalize(torch.linalg.cross(along, up.expand_as(along)), dim=1)
    top = torch.linalg.cross(across, along)
    angle = torch.arange(sides, device=path.device) * (2 * math.pi / sides)
    ring = across[:, None] * (wide[:, None] * angle.cos())[..., None]
    ring = ring + top[:, None] * (high[:, None] * angle.sin())[..., None]
    points = (path[:, None] + ring).view(-1, 3)
    count = len(path)
    if loops:
        faces = grid_faces(count + 1, sides, True, path.device) % (count * sides)
        return points, faces
    faces = grid_faces(count, sides, True, path.device)
    first = torch.arange(sides, device=path.device)
    after = (first + 1) % sides
    last = first + (count - 1) * sides
    start = torch.stack([torch.full_like(first, len(points)), first, after], 1)
    end = torch.stack([torch.full_like(first, len(points) + 1), last - first + after, last], 1)
    return torch.cat([points, path[:1], path[-1:]]), torch.cat([faces, start, end])
