"""Parts of a body that the field lost the joint of, found and joined again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from pifuhd_ros.geometry.crop_transforms import apply_transform, crop_from_model
from pifuhd_ros.stages.cleanup import Pieces, find_pieces, outward_pieces
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types.field import ImplicitField
from pifuhd_ros.types.mesh import Mesh
from pifuhd_ros.types.progress import OnProgress

MAX_GAP = 0.2
"""Model units, some 20 cm of a standing person: half a shin. What is farther apart is left so."""

_RIM = 0.03
"""The rim of a part is what lies so much farther from the other part than its nearest point."""
_RADII = (0.02, 0.05)
"""Model units: a wrist's and a shin's."""
_SOFTNESS = 0.25
"""Part of the radius within which an occupancy goes from a half to three quarters."""
_SAMPLES = 16
"""Of the way through a gap; a power of two makes their places exact."""
_MOST_POINTS = 1000
_WAYS_AT_ONCE = 10000

_Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bridge:
    """A capsule through a gap, model space."""

    begin: _Array
    """(3,) inside the one part."""
    end: _Array
    """(3,) inside the other."""
    radius: float


@dataclass(frozen=True)
class BodyExtraction:
    """A surface whose parts are joined where they belong together."""

    mesh: Mesh
    """In model space, closed, with normals."""
    pieces: Pieces
    """Of the mesh."""
    visited_points: int
    """How many points the field was asked for."""


@dataclass(frozen=True)
class BridgedField:
    """A field and the capsules that belong to its shape."""

    field: ImplicitField
    """An occupancy in [0, 1] whose level is 0.5, or a signed distance in model units."""
    bridges: tuple[Bridge, ...]

    @property
    def level(self) -> float:
        """That of the field."""
        return self.field.level

    @property
    def inside_is_above(self) -> bool:
        """That of the field."""
        return self.field.inside_is_above

    @property
    def device(self) -> torch.device:
        """That of the field."""
        return self.field.device

    def query(self, points: torch.Tensor) -> torch.Tensor:
        """Values (N,) float32 at points (N, 3) float32 in model space.

        Occupancies become the probability that either is there; the smaller distance counts.
        """
        values = self.field.query(points)
        for bridge in self.bridges:
            distance = _distance(bridge, points)
            if self.inside_is_above:
                steepness = np.log(3) / (_SOFTNESS * bridge.radius)
                values = 1 - (1 - values) * torch.sigmoid(distance * steepness)
            else:
                values = torch.minimum(values, distance)
        return values


def extract_body(
    field: ImplicitField,
    resolution: int,
    mask: torch.Tensor,
    *,
    max_points_per_query: int = 2**16,
    on_progress: OnProgress | None = None,
) -> BodyExtraction:
    """Triangulate a field, and once more where the first surface fell into parts.

    Args:
        field: an occupancy or a signed distance.
        resolution: see ``extract_surface``, as are the last two.
        mask: (S, S) in [0, 1], of the crop that the field was made from.
        max_points_per_query: upper bound of the points of one ``field.query``.
        on_progress: called with ("surface", fraction) before each query.

    Raises:
        SurfaceError: see ``extract_surface``.
    """
    first = extract_surface(
        field, resolution, max_points_per_query=max_points_per_query, on_progress=on_progress
    )
    pieces = find_pieces(first.mesh)
    bridges = find_bridges(first.mesh, pieces, mask)
    if not bridges:
        return BodyExtraction(first.mesh, pieces, first.visited_points)

    def report_end(stage: str, fraction: float) -> None:
        if on_progress is not None:
            on_progress(stage, 1.0)

    second = extract_surface(
        BridgedField(field, bridges),
        resolution,
        max_points_per_query=max_points_per_query,
        on_progress=report_end,
    )
    visited = first.visited_points + second.visited_points
    return BodyExtraction(second.mesh, find_pieces(second.mesh), visited)


def find_bridges(mesh: Mesh, pieces: Pieces, mask: torch.Tensor) -> tuple[Bridge, ...]:
    """Where parts of a body belong together although the surface is open between them.

    The mask says so: between a hand and its arm, a foot and its shin, the pixels are the person's.

    Args:
        mesh: closed pieces in model space; crumbs and cavities, see ``clean_mesh``, do not count.
        pieces: of the mesh.
        mask: (S, S) in [0, 1], of the crop that the mesh was made from.

    Returns:
        One for each part but the largest that has another one near.
    """
    is_part = outward_pieces(pieces)
    parts = np.flatnonzero(is_part)
    if len(parts) < 2:
        return ()
    inward = distance_transform_edt(mask.cpu().numpy() > 0.5) * 2 / (mask.shape[-1] - 1)
    vertices = mesh.vertices.astype(np.float64)
    largest = parts[pieces.areas[parts].argmax()]
    found = [
        _bridge(
            vertices[pieces.of_vertex == part],
            vertices[is_part[pieces.of_vertex] & (pieces.of_vertex != part)],
            inward,
        )
        for part in parts
        if part != largest
    ]
    return tuple(bridge for bridge in found if bridge is not None)


def _bridge(part: _Array, others: _Array, inward: _Array) -> Bridge | None:
    """The capsule of the shortest way to other parts whose pixels are all the person's, if any.

    Args:
        part: (N, 3) vertices.
        others: (M, 3) vertices.
        inward: (S, S) how far each pixel is from what is not the person's [model units].
    """
    starts, ends = _thinned(part), _thinned(others)
    gaps = cKDTree(starts).sparse_distance_matrix(cKDTree(ends), MAX_GAP, output_type="ndarray")
    gaps.sort(order=["v", "i", "j"])
    for first in range(0, len(gaps), _WAYS_AT_ONCE):
        near = gaps[first : first + _WAYS_AT_ONCE]
        is_shown = _leads_through(inward, starts[near["i"]], ends[near["j"]])
        if is_shown.any():
            shortest = near[is_shown.argmax()]
            start, end = starts[shortest["i"]], ends[shortest["j"]]
            # The middles of both rims lie inside the limb; the nearest points are at its side.
            reach = shortest["v"] + _RIM
            begin, finish = _rim(part, end, reach, inward), _rim(others, start, reach, inward)
            width = np.median(_along(inward, begin, finish))
            return Bridge(begin, finish, float(width.clip(*_RADII)))
    return None


def _rim(points: _Array, opposite: _Array, reach: float, inward: _Array) -> _Array:
    """(3,) the middle of those points (N, 3) that a way no longer than ``reach`` leads to."""
    near = points[np.linalg.norm(points - opposite, axis=1) <= reach]
    middle: _Array = near[_leads_through(inward, opposite, near)].mean(0)
    return middle


def _leads_through(inward: _Array, begin: _Array, end: _Array) -> npt.NDArray[np.bool_]:
    """(N,) whether all pixels from ``begin`` to ``end`` (N, 3) are the person's."""
    is_shown: npt.NDArray[np.bool_] = (_along(inward, begin, end) > 0).all(0)
    return is_shown


def _along(inward: _Array, begin: _Array, end: _Array) -> _Array:
    """(_SAMPLES, …) what a map holds on ways between points (…, 3); the same in both directions."""
    share = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES).reshape(-1, *[1] * max(begin.ndim, end.ndim))
    return _at(inward, (1 - share) * begin + share * end)


def _thinned(points: _Array) -> _Array:
    """At most so many of the points, from all over them."""
    return points[:: -(-len(points) // _MOST_POINTS)]


def _at(inward: _Array, points: _Array) -> _Array:
    """What a map (S, S) of the crop holds where points (..., 3) of the model space project to."""
    pixels = apply_transform(crop_from_model(len(inward)), points[..., :2])
    columns, rows = np.moveaxis(pixels.round().astype(np.int64).clip(0, len(inward) - 1), -1, 0)
    values: _Array = inward[rows, columns]
    return values


def _distance(bridge: Bridge, points: torch.Tensor) -> torch.Tensor:
    """(N,) from the capsule's surface, negative inside."""
    begin = torch.from_numpy(bridge.begin).to(points)
    along = torch.from_numpy(bridge.end - bridge.begin).to(points)
    share = ((points - begin) @ along / (along @ along).clamp(min=1e-12)).clamp(0, 1)
    to_axis: torch.Tensor = torch.linalg.vector_norm(points - begin - share[:, None] * along, dim=1)
    return to_axis - bridge.radius
