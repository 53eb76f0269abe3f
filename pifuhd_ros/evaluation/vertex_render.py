"""Values at the vertices of a mesh as images: as the camera sees it and as it is from behind."""

from __future__ import annotations

import torch

from pifuhd_ros.geometry.rasterize import rasterize
from pifuhd_ros.types import Mesh


def render_vertices(
    mesh: Mesh, values: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw values of a mesh's vertices from the front and, pixel-aligned, from behind.

    Args:
        mesh: in model space.
        values: (V, C).
        size: pixels of a side.

    Returns:
        Both images (C, size, size), zero where the mesh is not.
    """
    vertices = torch.from_numpy(mesh.vertices).double()
    faces = torch.from_numpy(mesh.faces)
    u = (vertices[:, 0] + 1) / 2 * (size - 1)
    v = (1 - vertices[:, 1]) / 2 * (size - 1)
    z = vertices[:, 2]
    return (
        _draw(torch.stack([u, v, -z], dim=1), faces, values.float(), size),
        _draw(torch.stack([u, v, z], dim=1), faces, values.float(), size),
    )


def _draw(
    points: torch.Tensor, faces: torch.Tensor, values: torch.Tensor, size: int
) -> torch.Tensor:
    fragments = rasterize(points, faces, size, size)
    hit = fragments.face >= 0
    corners = values[faces[fragments.face[hit]]]
    image = torch.zeros(size, size, values.shape[1])
    image[hit] = (corners * fragments.barycentric[hit][..., None]).sum(dim=1).float()
    return image.permute(2, 0, 1).contiguous()
