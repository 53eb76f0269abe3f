"""A coarser mesh for displays that cannot take the full one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.geometry.mesh_normals import vertex_normals
from pifuhd_ros.stages.srgb import linear_from_srgb, srgb_from_linear
from pifuhd_ros.types.mesh import ColorSource, Mesh

MIN_TARGET_FACES = 40
"""As many faces as six clusters, one for each direction of an axis, can have between them."""

_TRIES = 12
_ENOUGH = 0.92
"""A grid that leaves this share of the faces that may be left is fine enough."""


def decimate_mesh(mesh: Mesh, target_faces: int) -> Mesh:
    """Merge vertices that share a cell of a grid, about the finest that leaves few enough faces.

    No vertex moves by more than the diagonal of a cell. Normals and colours (in linear light) are
    averaged over the merged vertices; of ``seen`` and ``color_sources`` the most frequent value is
    kept. The result need not be closed.

    Args:
        mesh: in any space.
        target_faces: upper bound of the faces of the result, at least 40.

    Returns:
        The mesh itself where it has few enough faces, else the merged one, in the same space.

    Raises:
        ValueError: the bound is below 40.

    Source: Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex
    scenes", 1993 (vertex clustering).
    """
    if target_faces < MIN_TARGET_FACES:
        raise ValueError(f"target_faces is {target_faces}: give at least {MIN_TARGET_FACES}")
    if len(mesh.faces) <= target_faces:
        return mesh
    grid = _Grid(mesh)
    too_fine, coarse_enough = 0.0, 2.0 * grid.extent
    cell_size = grid.extent / np.sqrt(target_faces)
    for _ in range(_TRIES):
        left = grid.count_faces(cell_size)
        if left > target_faces:
            too_fine = cell_size
        else:
            coarse_enough = cell_size
            if left >= _ENOUGH * target_faces:
                break
        # On a surface the number of faces goes with the inverse square of the cell's size.
        aim = (1 + _ENOUGH) / 2 * target_faces
        cell_size *= np.sqrt(left / aim)
        if not too_fine < cell_size < coarse_enough:
            cell_size = (too_fine + coarse_enough) / 2.0
    return _merge(mesh, np.unique(grid.keys(coarse_enough), return_inverse=True)[1].reshape(-1))


class _Grid:
    """The cells that a mesh's vertices fall into, for any size of a cell."""

    def __init__(self, mesh: Mesh) -> None:
        """Lay coordinates and corners out in columns, over which numpy runs several times faster.

        The axis that the surface faces most keeps apart the two sides of what is thinner than a
        cell, such as fingers.
        """
        columns = np.ascontiguousarray(mesh.vertices.T, np.float32)
        self._from_low = columns - columns.min(axis=1, keepdims=True)
        self.extent = float(self._from_low.max())
        self._corners = np.ascontiguousarray(mesh.faces.T)
        normals = mesh.normals
        if normals is None:
            normals = vertex_normals(mesh.vertices, mesh.faces)
        across = np.ascontiguousarray(normals.T)
        axis = np.abs(across).argmax(axis=0)
        self._side = 2 * axis + (np.take_along_axis(across, axis[None], axis=0)[0] > 0)

    def keys(self, cell_size: float) -> npt.NDArray[np.int64]:
        """A number (V,) that vertices of one cell and one side share."""
        x, y, z = np.floor(self._from_low / np.float32(cell_size)).astype(np.int64)
        cells = (x * (int(y.max()) + 1) + y) * (int(z.max()) + 1) + z
        keys: npt.NDArray[np.int64] = cells * 6 + self._side
        return keys

    def count_faces(self, cell_size: float) -> int:
        """How many faces have their corners in three cells; some may fall upon each other."""
        a, b, c = self.keys(cell_size)[self._corners]
        return int(np.count_nonzero((a != b) & (b != c) & (c != a)))


def _merged_faces(mesh: Mesh, clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Faces between three different clusters, each once, turned so that the lowest comes first."""
    faces = clusters[mesh.faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    first = faces.argmin(axis=-1)[:, None]
    faces = np.take_along_axis(faces, (first + np.arange(3)) % 3, axis=-1)
    count = int(clusters.max()) + 1
    keys = (faces[:, 0] * count + faces[:, 1]) * count + faces[:, 2]
    return faces[np.unique(keys, return_index=True)[1]]


def _merge(mesh: Mesh, clusters: npt.NDArray[np.int64]) -> Mesh:
    faces = _merged_faces(mesh, clusters)
    used, faces = np.unique(faces, return_inverse=True)
    sizes = np.bincount(clusters)

    def mean(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        sums = [np.bincount(clusters, weights=column) for column in values.T]
        return (np.stack(sums, axis=-1) / sizes[:, None])[used]

    def mean_color(colors: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        return srgb_from_linear(mean(linear_from_srgb(colors)))

    def most_frequent(sources: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        shares = mean((sources[:, None] == list(ColorSource)).astype(float))
        winners: npt.NDArray[np.uint8] = shares.argmax(axis=-1).astype(np.uint8)
        return winners

    normals = None if mesh.normals is None else mean(mesh.normals)
    if normals is not None:
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        normals = np.where(length > 1e-6, normals / np.maximum(length, 1e-6), (0.0, 0.0, 1.0))
    return Mesh(
        vertices=mean(mesh.vertices).astype(np.float32),
        faces=faces.reshape(-1, 3).astype(np.int64),
        normals=None if normals is None else normals.astype(np.float32),
        colors=None if mesh.colors is None else mean_color(mesh.colors),
        seen=None if mesh.seen is None else mean(mesh.seen[:, None].astype(float))[:, 0] >= 0.5,
        shows=mesh.shows,
        color_sources=None if mesh.color_sources is None else most_frequent(mesh.color_sources),
        other_colors={kind: mean_color(colors) for kind, colors in mesh.other_colors.items()},
    )
