"""The rigid motion that lays one surface on another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pifuhd_ros.evaluation.nearest import search_tree
from pifuhd_ros.evaluation.samples import SurfaceSamples


@dataclass(frozen=True)
class RigidMotion:
    """moved = rotation @ point + translation; no scale."""

    rotation: npt.NDArray[np.float64]
    """(3, 3)."""
    translation: npt.NDArray[np.float64]
    """(3,)."""

    def apply(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Move points (N, 3)."""
        return points @ self.rotation.T + self.translation

    def apply_inverse(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Move points (N, 3) back."""
        return (points - self.translation) @ self.rotation

    def move(self, samples: SurfaceSamples) -> SurfaceSamples:
        """Move samples and turn their normals."""
        return SurfaceSamples(self.apply(samples.points), samples.normals @ self.rotation.T)


def fit_rigid_motion(
    source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
) -> RigidMotion:
    """The motion with the least sum of squared distances between pairs of points.

    Args:
        source: (N, 3) points to move.
        target: (N, 3) where each of them should go.

    Returns:
        A proper rotation (never a mirror image) and a translation.

    Source:
        Kabsch, 1976; the sign as in Umeyama, 1991.
    """
    source_centre, target_centre = source.mean(axis=0), target.mean(axis=0)
    u, _, vt = np.linalg.svd((target - target_centre).T @ (source - source_centre))
    sign = np.diag([1.0, 1.0, np.linalg.det(u @ vt)])
    rotation = u @ sign @ vt
    return RigidMotion(rotation, target_centre - rotation @ source_centre)


def align_icp(
    source: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    max_points: int = 5_000,
    max_iterations: int = 60,
    tolerance: float = 1e-5,
) -> RigidMotion:
    """Lay a surface on another by iterated closest points, point to point, starting where it is.

    Args:
        source: (N, 3) points of the surface to move.
        target: (M, 3) points of the surface to move it to.
        max_points: only every n-th point of the source is used, so that there are about so many.
        max_iterations: at most this many rounds.
        tolerance: stop when the mean squared distance falls by less than this share of itself.

    Returns:
        target ~ motion.apply(source).

    Source:
        Besl and McKay, 1992.
    """
    source = source[:: max(1, len(source) // max_points)]
    tree = search_tree(target)
    motion = RigidMotion(np.eye(3), np.zeros(3))
    last_error = np.inf
    for _ in range(max_iterations):
        distance, nearest = tree.query(motion.apply(source))
        error = float(np.square(distance).mean())
        if last_error - error <= tolerance * error:
            break
        last_error = error
        motion = fit_rigid_motion(source, target[nearest])
    return motion
