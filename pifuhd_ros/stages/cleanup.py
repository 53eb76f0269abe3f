"""Removal of what floats around and inside a person's surface."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pifuhd_ros.types.errors import SurfaceError
from pifuhd_ros.types.mesh import Mesh

# A hand has about 2.3 % of the area of the body, a foot 3.5 %: one that hangs by a wrist too thin
# for the grid is kept, and what is less than half a hand goes.
MIN_AREA_FRACTION = 0.01


@dataclass(frozen=True)
class Pieces:
    """The connected pieces of a mesh."""

    of_vertex: npt.NDArray[np.int64]
    """(V,) number of the piece that each vertex belongs to."""
    areas: npt.NDArray[np.float64]
    """(P,) in the mesh's unit, squared."""
    volumes: npt.NDArray[np.float64]
    """(P,) that each encloses, negative for the wall of a cavity."""


def clean_mesh(
    mesh: Mesh, min_area_fraction: float = MIN_AREA_FRACTION, *, pieces: Pieces | None = None
) -> Mesh:
    """Drop floating crumbs and hidden cavities; what stays is not changed.

    A connected piece stays if it faces outward (encloses a positive volume: the wall of a cavity
    encloses a negative one) and has at least a fraction of the area of the largest such piece.

    Args:
        mesh: closed pieces in any space.
        min_area_fraction: the fraction, 0 … 1.
        pieces: of the mesh, where they are known already.

    Returns:
        The mesh of the pieces that stay, vertices and faces in their order, in the same space.

    Raises:
        SurfaceError: no piece faces outward.
    """
    pieces = pieces or find_pieces(mesh)
    keep = outward_pieces(pieces, min_area_fraction)
    if not keep.any():
        raise SurfaceError(
            f"none of the {len(keep)} pieces of the surface encloses a volume: nothing is left"
        )
    return select_vertices(mesh, keep[pieces.of_vertex])


def outward_pieces(
    pieces: Pieces, min_area_fraction: float = MIN_AREA_FRACTION
) -> npt.NDArray[np.bool_]:
    """(P,) true for pieces that are neither crumbs nor cavities, see ``clean_mesh``."""
    outward_areas = np.where(pieces.volumes > 0, pieces.areas, 0.0)
    return np.logical_and(
        pieces.volumes > 0, outward_areas >= min_area_fraction * outward_areas.max()
    )


def select_vertices(mesh: Mesh, keep: npt.NDArray[np.bool_]) -> Mesh:
    """The part of a mesh whose faces have all three vertices in ``keep`` (V,)."""
    new_index = np.cumsum(keep) - 1
    return replace(
        mesh,
        vertices=mesh.vertices[keep],
        faces=new_index[mesh.faces[keep[mesh.faces].all(axis=-1)]],
        normals=None if mesh.normals is None else mesh.normals[keep],
        colors=None if mesh.colors is None else mesh.colors[keep],
        seen=None if mesh.seen is None else mesh.seen[keep],
        color_sources=None if mesh.color_sources is None else mesh.color_sources[keep],
        other_colors={kind: colors[keep] for kind, colors in mesh.other_colors.items()},
    )


def find_pieces(mesh: Mesh) -> Pieces:
    """The connected pieces of a mesh and how large they are."""
    start, end = mesh.faces[:, :2].ravel(), mesh.faces[:, 1:].ravel()
    links = coo_matrix((np.ones(len(start), dtype=bool), (start, end)), [len(mesh.vertices)] * 2)
    _, piece_of_vertex = connected_components(links, directed=False)
    piece_of_face = piece_of_vertex[mesh.faces[:, 0]]
    a, b, c = mesh.vertices.astype(np.float64)[mesh.faces].transpose(1, 0, 2)
    areas = np.bincount(piece_of_face, np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 2.0)
    volumes = np.bincount(piece_of_face, (a * np.cross(b, c)).sum(axis=-1) / 6.0)
    return Pieces(
        of_vertex=np.asarray(piece_of_vertex, dtype=np.int64),
        areas=areas.astype(np.float64),
        volumes=volumes.astype(np.float64),
    )
