"""Shapes whose distances and volumes are known in closed form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pifuhd_ros.evaluation.samples import SurfaceSamples
from pifuhd_ros.types import Mesh

_BOX_FACES = np.array(
    [
        [0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4],
        [2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6], [1, 3, 5], [3, 7, 5],
    ]
)  # fmt: skip


def box(low: npt.ArrayLike, high: npt.ArrayLike) -> Mesh:
    """A closed box, its faces turned outward. Vertex i has bits x = i & 1, y = i & 2, z = i & 4."""
    bits = np.array([[i & 1, (i >> 1) & 1, (i >> 2) & 1] for i in range(8)])
    corners = np.where(bits, np.asarray(high), np.asarray(low)).astype(np.float32)
    return Mesh(corners, _BOX_FACES)


def sphere_samples(radius: float, count: int, seed: int) -> SurfaceSamples:
    directions = np.random.default_rng(seed).normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return SurfaceSamples(radius * directions, directions)
