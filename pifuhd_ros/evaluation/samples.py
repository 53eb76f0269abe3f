"""Points on a surface: what the distances between two surfaces are measured with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types import Mesh, SurfaceError


@dataclass(frozen=True)
class SurfaceSamples:
    """Points spread evenly over a surface, with the normals there."""

    points: npt.NDArray[np.float64]
    """(N, 3)."""
    normals: npt.NDArray[np.float64]
    """(N, 3) unit vectors pointing outward."""

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 3 or len(self.points) == 0:
            raise SurfaceError(f"expected at least one point (N, 3), got {self.points.shape}")
        if self.normals.shape != self.points.shape:
            raise SurfaceError(f"{self.points.shape} points, but {self.normals.shape} normals")
        if not (np.isfinite(self.points).all() and np.isfinite(self.normals).all()):
            raise SurfaceError("surface samples hold values that are not finite")


def sample_surface(mesh: Mesh, count: int, seed: int) -> SurfaceSamples:
    """Spread points evenly over the area of a mesh.

    The normals are those of the triangles: the surface itself is measured, not what a shader
    would make of it.

    Args:
        mesh: in any space.
        count: how many points.
        seed: the same seed gives the same points.

    Returns:
        ``count`` points, in the space of the mesh.

    Raises:
        SurfaceError: the mesh is empty, has no area, or is not finite.
    """
    if count < 1:
        raise ValueError(f"expected a count of at least 1, got {count}")
    if len(mesh.faces) == 0:
        raise SurfaceError("the mesh has no faces: there is no surface to measure")
    corners = mesh.vertices.astype(np.float64)[mesh.faces]
    if not np.isfinite(corners).all():
        raise SurfaceError("the mesh has vertices that are not finite")
    crosses = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double_areas = np.linalg.norm(crosses, axis=1)
    cumulative = np.cumsum(double_areas)
    if cumulative[-1] <= 0:
        raise SurfaceError(f"all {len(mesh.faces)} faces of the mesh have zero area")

    random = np.random.default_rng(seed)
    # One random offset for the whole comb, jittered in each tooth: even over the area, so that
    # large meshes are covered without gaps.
    position = (np.arange(count) + random.random(count)) / count * cumulative[-1]
    face = np.minimum(np.searchsorted(cumulative, position, side="right"), len(cumulative) - 1)
    root = np.sqrt(random.random((count, 1)))
    along = random.random((count, 1))
    a, b, c = corners[face, 0], corners[face, 1], corners[face, 2]
    points = (1 - root) * a + root * (1 - along) * b + root * along * c
    return SurfaceSamples(points, crosses[face] / double_areas[face, None])
