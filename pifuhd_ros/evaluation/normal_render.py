"""The normal maps of a mesh: so that a system without normal networks is judged all the same."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from pifuhd_ros.evaluation.vertex_render import render_vertices
from pifuhd_ros.geometry.mesh_normals import vertex_normals
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
    front, back = render_vertices(mesh, torch.from_numpy(normals), size)
    return NormalMaps(F.normalize(front, dim=0), F.normalize(back, dim=0))
