"""Normals of a triangle mesh."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch


def vertex_normals(
    vertices: npt.NDArray[np.float32], faces: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Area-weighted mean of the normals of the faces around each vertex.

    Args:
        vertices: (V, 3), any space.
        faces: (F, 3), counter-clockwise seen from outside.

    Returns:
        (V, 3) unit vectors in the space of the vertices; (0, 0, 1) for a vertex without any area.
    """
    normals = vertex_normals_on_device(torch.from_numpy(vertices), torch.from_numpy(faces))
    result: npt.NDArray[np.float32] = normals.numpy()
    return result


def vertex_normals_on_device(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """The same of tensors (V, 3) and (F, 3), where they are; to the last bit the same every time.

    Each vertex adds up its faces in their order, which ``index_add`` does not on a GPU.
    """
    corners = vertices.double()[faces]
    twice_area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    owner, corner = faces.flatten().sort(stable=True)
    first = torch.searchsorted(owner, torch.arange(len(vertices) + 1, device=faces.device))
    around = twice_area[corner.div(3, rounding_mode="floor")]
    # Unsafe leaves out a check of ``first`` that would wait for a GPU.
    summed = torch.segment_reduce(around, "sum", offsets=first, unsafe=True)
    length = summed.norm(dim=1, keepdim=True)
    has_area = length > torch.finfo(torch.float64).tiny
    unit = torch.where(has_area, summed / length, 0.0)
    unit[:, 2:] += ~has_area
    return unit.float()
