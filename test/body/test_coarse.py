"""A coarse copy of a closed surface."""

from __future__ import annotations

import numpy as np

from pifuhd_ros.body.coarse import coarse_skin


def test_a_coarse_grid_torus_is_closed_and_has_few_vertices() -> None:
    around, across = 60, 30
    u, v = np.meshgrid(np.arange(around), np.arange(across), indexing="ij")
    a, b = 2 * np.pi * u / around, 2 * np.pi * v / across
    ring = 1 + 0.3 * np.cos(b)
    points = np.stack([ring * np.cos(a), ring * np.sin(a), 0.3 * np.sin(b)], -1).reshape(-1, 3)

    def row(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return (i % around) * across + j % across

    quads = np.stack([row(u, v), row(u + 1, v), row(u + 1, v + 1), row(u, v + 1)], -1)
    faces = quads.reshape(-1, 4)[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)
    kept, coarse = coarse_skin(
        points.astype(np.float32), faces, np.full(len(points), 0.2, np.float32)
    )
    assert 50 < len(kept) < 500
    distance = np.linalg.norm(points[:, None] - points[kept], axis=2).min(1)
    assert distance.max() <= 0.2 + 1e-6
    edges = np.concatenate([coarse[:, [0, 1]], coarse[:, [1, 2]], coarse[:, [2, 0]]])
    balance = np.zeros((len(kept), len(kept)))
    np.add.at(balance, (edges[:, 0], edges[:, 1]), 1)
    assert (balance == balance.T).all()
