"""Shapes with a known surface, as fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

CPU = torch.device("cpu")

Distance = Callable[[torch.Tensor], torch.Tensor]
"""Signed distances (N,), negative inside, at points (N, 3)."""


@dataclass(frozen=True)
class SignedDistanceField:
    """A signed distance as a field; notes the size of every query."""

    distance: Distance
    level: float = 0.0
    inside_is_above: bool = False
    device: torch.device = CPU
    query_sizes: list[int] = field(default_factory=list)

    def query(self, points: torch.Tensor) -> torch.Tensor:
        self.query_sizes.append(len(points))
        return self.distance(points)


@dataclass(frozen=True)
class OccupancyField:
    """The same shape as an occupancy like a network's: 0.5 on the surface, soft around it."""

    distance: Distance
    softness: float = 0.02
    level: float = 0.5
    inside_is_above: bool = True
    device: torch.device = CPU

    def query(self, points: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(-self.distance(points) / self.softness)


def sphere(
    radius: float = 0.6, center: tuple[float, float, float] = (0.05, -0.1, 0.02)
) -> Distance:
    return lambda points: (points - torch.tensor(center)).norm(dim=-1) - radius


def torus(radius: float = 0.5, tube: float = 0.2) -> Distance:
    def distance(points: torch.Tensor) -> torch.Tensor:
        ring = points[:, :2].norm(dim=-1) - radius
        return torch.hypot(ring, points[:, 2]) - tube

    return distance


def slab(half_size: tuple[float, float, float], center: tuple[float, float, float]) -> Distance:
    def distance(points: torch.Tensor) -> torch.Tensor:
        beyond = (points - torch.tensor(center)).abs() - torch.tensor(half_size)
        return beyond.clamp(min=0).norm(dim=-1) + beyond.amax(dim=-1).clamp(max=0)

    return distance


def capsules(parts: list[tuple[list[float], list[float], float]]) -> Distance:
    """Union of capsules (end, end, radius)."""
    start = torch.tensor([part[0] for part in parts])
    along = torch.tensor([part[1] for part in parts]) - start
    radius = torch.tensor([part[2] for part in parts])

    def distance(points: torch.Tensor) -> torch.Tensor:
        nearest = torch.full(points.shape[:1], torch.inf)
        for a, d, r in zip(start, along, radius, strict=True):
            offset = points - a
            t = ((offset @ d) / (d @ d)).clamp(0, 1)
            nearest = torch.minimum(nearest, (offset - t[:, None] * d).norm(dim=-1) - r)
        return nearest

    return distance


def union(*shapes: Distance) -> Distance:
    return lambda points: torch.stack([shape(points) for shape in shapes]).amin(dim=0)


def person() -> Distance:
    """A person of capsules, 1.8 units tall as in a crop; fingers are 1.4 cm thick at 180 cm."""
    parts = [
        ([0.0, 0.76, 0.0], [0.0, 0.80, 0.0], 0.10),  # head
        ([0.0, 0.60, 0.0], [0.0, 0.70, 0.0], 0.055),  # neck
        ([-0.10, 0.48, 0.0], [0.10, 0.48, 0.0], 0.11),  # shoulders
        ([-0.05, 0.20, 0.0], [-0.05, 0.45, 0.0], 0.12),
        ([0.05, 0.20, 0.0], [0.05, 0.45, 0.0], 0.12),
        ([-0.07, 0.02, 0.0], [0.07, 0.02, 0.0], 0.13),  # hips
    ]
    for side in (-1.0, 1.0):
        parts += [
            ([side * 0.20, 0.52, 0.0], [side * 0.33, 0.27, 0.0], 0.050),
            ([side * 0.33, 0.27, 0.0], [side * 0.42, 0.05, 0.06], 0.040),
            ([side * 0.42, 0.05, 0.06], [side * 0.44, -0.03, 0.08], 0.030),  # palm
            ([side * 0.10, -0.02, 0.0], [side * 0.12, -0.44, 0.02], 0.075),
            ([side * 0.12, -0.44, 0.02], [side * 0.13, -0.82, 0.0], 0.050),
            ([side * 0.13, -0.85, 0.0], [side * 0.15, -0.86, 0.14], 0.035),  # foot
        ]
        parts += [
            (  # fingers
                [side * (0.42 + 0.012 * i), -0.03, 0.05 + 0.02 * i],
                [side * (0.43 + 0.020 * i), -0.13, 0.05 + 0.03 * i],
                0.007,
            )
            for i in range(4)
        ]
    return capsules([(a, b, float(r)) for a, b, r in parts])


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume inside a closed mesh; negative where the faces look inward."""
    a, b, c = vertices.astype(np.float64)[faces].transpose(1, 0, 2)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def euler_characteristic(vertices: np.ndarray, faces: np.ndarray) -> int:
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=-1)
    return len(vertices) - len(np.unique(edges, axis=0)) + len(faces)


def assert_closed(vertices: np.ndarray, faces: np.ndarray) -> None:
    """Every edge belongs to two faces that run along it in opposite directions; no stray vertex."""
    edges = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    assert (edges[:, 0] != edges[:, 1]).all()
    forth, forth_count = np.unique(edges, axis=0, return_counts=True)
    back = np.unique(edges[:, ::-1], axis=0)
    assert (forth_count == 1).all()
    np.testing.assert_array_equal(forth, back)
    np.testing.assert_array_equal(np.unique(faces), np.arange(len(vertices)))
