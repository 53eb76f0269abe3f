"""Which points are inside a closed mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types import Mesh, SurfaceError

MAX_CELLS = 1024
"""At most so many cells a side sort the faces under the rays."""
MAX_PAIRS = 200_000
"""Points are taken in batches of about so many (point, face) pairs, which fit a CPU's caches."""


def mesh_occupancy(mesh: Mesh, points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points are inside a closed mesh: the signed count of the faces above each point.

    Going up along z, a face turned upward is left behind and one turned downward is entered; their
    sum is the winding number, so solids that overlap or lie inside one another count as one.
    Neighbouring faces share the arithmetic of their common edge: a ray through an edge or a vertex
    is counted once, never twice or not at all.

    Args:
        mesh: closed, its faces turned outward.
        points: (N, 3) in the space of the mesh.

    Returns:
        (N,) True where the winding number is positive.

    Raises:
        SurfaceError: the mesh is empty, open or not finite, so that it has no inside.
    """
    require_solid(mesh)
    triangles = _Triangles.of(mesh)
    low, high = triangles.low.min(axis=0), triangles.high.max(axis=0)
    size = np.maximum(high - low, np.finfo(np.float64).tiny)
    cells = int(np.clip(2 * np.sqrt(len(mesh.faces)), 1, MAX_CELLS))
    first_face, face_of_entry = _faces_by_cell(triangles, low, size, cells)

    inside = np.zeros(len(points), dtype=bool)
    candidates = np.flatnonzero(((points[:, :2] >= low) & (points[:, :2] <= high)).all(axis=1))
    if len(candidates) == 0:
        return inside
    cell_xy = ((points[candidates, :2] - low) / size * cells).astype(np.int64).clip(0, cells - 1)
    cell = cell_xy[:, 0] * cells + cell_xy[:, 1]
    counts = first_face[cell + 1] - first_face[cell]
    batch = np.cumsum(counts) // MAX_PAIRS
    for part in np.split(np.arange(len(candidates)), np.flatnonzero(np.diff(batch)) + 1):
        owner = np.repeat(part, counts[part])
        entry = np.arange(len(owner)) - np.repeat(
            np.cumsum(counts[part]) - counts[part] - first_face[cell[part]], counts[part]
        )
        point, face = candidates[owner], face_of_entry[entry]
        hit, sign = _crossings_above(points, triangles, point, face)
        winding = np.bincount(owner[hit] - part[0], weights=sign, minlength=len(part))
        inside[candidates[part]] = winding > 0.5
    return inside


def require_solid(mesh: Mesh) -> None:
    """Check that a mesh has an inside.

    Raises:
        SurfaceError: it is empty, open or not finite.
    """
    if len(mesh.faces) == 0:
        raise SurfaceError("the mesh has no faces: it has no inside")
    if not np.isfinite(mesh.vertices).all():
        raise SurfaceError("the mesh has vertices that are not finite")
    open_edges = count_open_edges(mesh)
    if open_edges:
        raise SurfaceError(f"the mesh has {open_edges} open edges: only a closed one has an inside")


def count_open_edges(mesh: Mesh) -> int:
    """How many edges belong to an odd number of faces; 0 for a closed mesh."""
    faces = mesh.faces.astype(np.int64)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges.sort(axis=1)
    keys = edges[:, 0] * len(mesh.vertices) + edges[:, 1]
    _, counts = np.unique(keys, return_counts=True)
    return int((counts % 2).sum())


@dataclass(frozen=True)
class _Triangles:
    """The faces of a mesh, prepared for rays along z."""

    corners: npt.NDArray[np.float64]
    """(F, 3 corners, 3)."""
    low: npt.NDArray[np.float64]
    """(F, 2) of the box around each in x and y."""
    high: npt.NDArray[np.float64]
    """(F, 2)."""

    @staticmethod
    def of(mesh: Mesh) -> _Triangles:
        corners = mesh.vertices.astype(np.float64)[mesh.faces]
        return _Triangles(corners, corners[..., :2].min(axis=1), corners[..., :2].max(axis=1))


def _faces_by_cell(
    triangles: _Triangles, low: npt.NDArray[np.float64], size: npt.NDArray[np.float64], cells: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Lists the faces whose xy box touches each cell of a square grid.

    Returns:
        (cells^2 + 1,) where the list of each cell begins, and the concatenated lists.
    """
    first = ((triangles.low - low) / size * cells).astype(np.int64).clip(0, cells - 1)
    last = ((triangles.high - low) / size * cells).astype(np.int64).clip(0, cells - 1)
    span = last - first + 1
    entries = span[:, 0] * span[:, 1]
    face = np.repeat(np.arange(len(entries)), entries)
    step = np.arange(len(face)) - np.repeat(np.cumsum(entries) - entries, entries)
    column = first[face, 0] + step // span[face, 1]
    row = first[face, 1] + step % span[face, 1]
    cell = column * cells + row
    starts = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=cells * cells))])
    return starts, face[np.argsort(cell, kind="stable")]


def _crossings_above(
    points: npt.NDArray[np.float64],
    triangles: _Triangles,
    point: npt.NDArray[np.int64],
    face: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Which (point, face) pairs cross on the ray from the point upwards.

    Returns:
        (H,) numbers of the pairs that do, and (H,) +1 where the ray leaves, -1 where it enters.
    """
    pair = np.arange(len(point))
    for axis in (1, 0):
        value = points[point[pair], axis]
        near = (triangles.low[face[pair], axis] <= value) & (
            value <= triangles.high[face[pair], axis]
        )
        pair = pair[near]
    p, corners = points[point[pair]], triangles.corners[face[pair]]
    winding = np.zeros(len(pair))
    for k in range(3):
        winding += _edge_crossing(p, corners[:, k], corners[:, (k + 1) % 3])
    under = winding != 0
    pair, winding, p, corners = pair[under], winding[under], p[under], corners[under]
    a = corners[:, 0]
    normal = np.cross(corners[:, 1] - a, corners[:, 2] - a)
    # Height of the point over the face's plane, times the normal's z.
    is_below = np.einsum("ni,ni->n", p - a, normal) * normal[:, 2] < 0
    return pair[is_below], winding[is_below]


def _edge_crossing(
    points: npt.NDArray[np.float64],
    start: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Signed crossing, in the xy plane, of an edge with the ray from each point towards +x."""
    rises = (start[:, 1] <= points[:, 1]) & (end[:, 1] > points[:, 1])
    falls = (end[:, 1] <= points[:, 1]) & (start[:, 1] > points[:, 1])
    # Lower end first, so that both faces of an edge compute the very same number.
    lower = np.where(falls[:, None], end, start)
    upper = np.where(falls[:, None], start, end)
    height = np.where(rises | falls, upper[:, 1] - lower[:, 1], 1.0)
    share = (points[:, 1] - lower[:, 1]) / height
    right = lower[:, 0] + share * (upper[:, 0] - lower[:, 0]) > points[:, 0]
    return np.where(right, rises.astype(np.float64) - falls, 0.0)
