"""The normal maps of a mesh: so that a system without normal networks is judged all the same."""

from __future__ import annotations

import torch

from pifuhd_ros.geometry.mesh_normals import vertex_normals
from pifuhd_ros.geometry.rasterize import rasterize
from pifuhd_ros.types import Mesh, NormalMaps


def render_normals(mesh: Mesh, size: int) -> NormalMaps:
    """Draw the normals of a mesh as the camera sees it and as it is seen from behind.

    Args:
        mesh: in model space; its vertex normals are computed where it brings none.
        size: pixels of a side.

    Returns:
        Both maps (3, size, size), unit vectors in model space, zero where the mesh is not.
    """
    normals = mesh.normals
    if normals is None:
        normals = vertex_normals(mesh.vertices, mesh.faces)
    vertices = torch.from_numpy(mesh.vertices).double()
    faces = torch.from_numpy(mesh.faces)
    values = torch.from_numpy(normals).float()
    u = (vertices[:, 0] + 1) / 2 * (size - 1)
    v = (1 - vertices[:, 1]) / 2 * (size - 1)
    z = vertices[:, 2]
    return NormalMaps(
        front=_draw(torch.stack([u, v, -z], dim=1), faces, values, size),
        back=_draw(torch.stack([u, v, z], dim=1), faces, values, size),
    )


def _draw(
    points: torch.Tensor, faces: torch.Tensor, values: torch.Tensor, size: int
) -> torch.Tensor:
    fragments = rasterize(points, faces, size, size)
    hit = fragments.face >= 0
    corners = values[faces[fragments.face[hit]]]
    image = torch.zeros(size, size, 3)
    image[hit] = torch.nn.functional.normalize(
        (corners * fragments.barycentric[hit][..., None]).sum(dim=1), dim=1
    )
    return image.permute(2, 0, 1).contiguous()
