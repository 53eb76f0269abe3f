"""A coarser mesh for displays that cannot take the full one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.geometry.mesh_normals import vertex_normals
from pifuhd_ros.stages.srgb import linear_from_srgb, srgb_from_linear
from pifuhd_ros.types.mesh import Mesh

MIN_TARGET_FACES = 40
"""As many faces as six clusters, one for each direction of an axis, can have between them."""

_HALVINGS = 12


def decimate_mesh(mesh: Mesh, target_faces: int) -> Mesh:
    """Merge vertices that share a cell of a grid, the finest one that leaves few enough faces.

    No vertex moves by more than the diagonal of a cell. Normals, colours (in linear light) and
    ``seen`` (by majority) are averaged over the merged vertices. The result need not be closed.

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
    too_fine, coarse_enough = 0.0, 2.0 * float(np.ptp(mesh.vertices, axis=0).max())
    for _ in range(_HALVINGS):
        cell_size = (too_fine + coarse_enough) / 2.0
        if len(_merged_faces(mesh, _clusters(mesh, cell_size))) > target_faces:
            too_fine = cell_size
        else:
            coarse_enough = cell_size
    return _merge(mesh, _clusters(mesh, coarse_enough))


def _clusters(mesh: Mesh, cell_size: float) -> npt.NDArray[np.int64]:
    """Number (V,) of the cluster of each vertex: a grid cell, and the axis the surface faces most.

    The axis keeps apart the two sides of what is thinner than a cell, such as fingers.
    """
    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals
    axis = np.abs(normals).argmax(axis=-1)
    is_positive = np.take_along_axis(normals, axis[:, None], axis=-1)[:, 0] > 0
    cells = np.floor((mesh.vertices - mesh.vertices.min(axis=0)) / cell_size).astype(np.int64)
    per_axis = cells.max(axis=0) + 1
    keys = (cells[:, 0] * per_axis[1] + cells[:, 1]) * per_axis[2] + cells[:, 2]
    keys = (keys * 3 + axis) * 2 + is_positive
    clusters: npt.NDArray[np.int64] = np.unique(keys, return_inverse=True)[1].reshape(-1)
    return clusters


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

    normals = None if mesh.normals is None else mean(mesh.normals)
    if normals is not None:
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        normals = np.where(length > 1e-6, normals / np.maximum(length, 1e-6), (0.0, 0.0, 1.0))
    return Mesh(
        vertices=mean(mesh.vertices).astype(np.float32),
        faces=faces.reshape(-1, 3).astype(np.int64),
        normals=None if normals is None else normals.astype(np.float32),
        colors=None
        if mesh.colors is None
        else srgb_from_linear(mean(linear_from_srgb(mesh.colors))),
        seen=None if mesh.seen is None else mean(mesh.seen[:, None].astype(float))[:, 0] >= 0.5,
    )
