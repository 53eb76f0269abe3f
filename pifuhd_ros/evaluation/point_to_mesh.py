"""Distances from points to the surface of a mesh itself, not to samples of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from pifuhd_ros.types import Mesh, SurfaceError

Points = npt.NDArray[np.float64]

NEIGHBOURS = 16
"""Triangles with the nearest middles among which the nearest is looked for."""
MAX_EDGE_SHARE = 0.01
"""Triangles are split until no edge is longer than this share of the box's diagonal, so that the
nearest surface is among those with the nearest middles."""


def distances_to_mesh(points: Points, mesh: Mesh) -> Points:
    """The distance of each point to the nearest point on the mesh.

    Args:
        points: (N, 3) in the space of the mesh.
        mesh: with at least one face.

    Returns:
        (N,); never too small, and too large by less than MAX_EDGE_SHARE of the mesh's size where
        more than NEIGHBOURS triangles are about as near.

    Raises:
        SurfaceError: the mesh has no faces.
    """
    if len(mesh.faces) == 0:
        raise SurfaceError("the mesh has no faces: there is no distance to it")
    corners = mesh.vertices.astype(np.float64)[mesh.faces]
    size = np.linalg.norm(np.ptp(corners.reshape(-1, 3), axis=0))
    corners = _split(corners, MAX_EDGE_SHARE * float(size))
    neighbours = min(NEIGHBOURS, len(corners))
    _, near = cKDTree(corners.mean(axis=1)).query(points, k=neighbours)
    near = near.reshape(len(points), neighbours)
    square = np.full(len(points), np.inf)
    for column in near.T:
        square = np.minimum(square, _square_distances(points, corners[column]))
    distances: Points = np.sqrt(square)
    return distances


def _split(corners: Points, max_edge: float) -> Points:
    """Triangles (F, 3, 3) halved across their longest edge until none is longer."""
    done = []
    while len(corners):
        lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
        is_long = lengths.max(axis=1) > max_edge
        done.append(corners[~is_long])
        first = lengths[is_long].argmax(axis=1)
        order = (first[:, None] + np.arange(3)) % 3
        a, b, c = np.moveaxis(np.take_along_axis(corners[is_long], order[..., None], axis=1), 1, 0)
        middle = 0.5 * (a + b)
        corners = np.concatenate([np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)])
    return np.concatenate(done)


def _square_distances(points: Points, corners: Points) -> Points:
    """Squared distance (N,) of each point to its triangle (N, 3, 3)."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = _dot(normal, normal)
    is_over = area > 0
    to_edges = np.full(len(points), np.inf)
    for k in range(3):
        start, edge = corners[:, k], corners[:, (k + 1) % 3] - corners[:, k]
        offset = points - start
        is_over &= _dot(np.cross(normal, edge), offset) >= 0
        length = _dot(edge, edge)
        along = np.divide(_dot(offset, edge), length, out=np.zeros_like(length), where=length > 0)
        to_edge: Points = offset - along.clip(0, 1)[:, None] * edge
        to_edges = np.minimum(to_edges, _dot(to_edge, to_edge))
    height = _dot(points - corners[:, 0], normal)
    to_plane = np.divide(height**2, area, out=np.zeros_like(area), where=area > 0)
    return np.where(is_over, to_plane, to_edges)


def _dot(first: Points, second: Points) -> Points:
    product: Points = np.einsum("ni,ni->n", first, second)
    return product
