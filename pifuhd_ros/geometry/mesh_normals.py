"""Normals of a triangle mesh."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


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
    corners = vertices.astype(np.float64)[faces]
    twice_area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = faces.ravel()
    summed = np.stack(
        [
            np.bincount(flat, weights=np.repeat(twice_area[:, axis], 3), minlength=len(vertices))
            for axis in range(3)
        ],
        axis=-1,
    )
    length = np.linalg.norm(summed, axis=-1, keepdims=True)
    has_area = length > np.finfo(np.float64).tiny
    unit = np.where(has_area, summed / np.where(has_area, length, 1.0), (0.0, 0.0, 1.0))
    return unit.astype(np.float32)
