"""Distance to the surface of a solid."""

from __future__ import annotations

import torch

from pifuhd_ros.synthetic.solid import Boundary

_CELL_M = 0.04
_CLOSE_M = 0.1
_ROUNDING_M = 0.003
"""Of cdist, which subtracts large squares."""
_PAIRS_PER_CHUNK = 4_000_000


def _segment_distance2(p: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Squared distances (N,) of points (N, 3) to segments."""
    ab = b - a
    t = ((p - a) * ab).sum(1) / ab.square().sum(1).clamp(min=1e-18)
    return (a + t.clamp(0, 1)[:, None] * ab - p).square().sum(1)


def triangle_distance(points: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
    """Distances (N,) of points (N, 3) to triangles (N, 3, 3), one each."""
    a, b, c = corners.unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    over = torch.ones(len(points), dtype=torch.bool, device=points.device)
    edge = torch.full((len(points),), torch.inf, device=points.device)
    for start, end in ((a, b), (b, c), (c, a)):
        over &= (torch.linalg.cross(end - start, points - start) * normal).sum(1) >= 0
        edge = torch.minimum(edge, _segment_distance2(points, start, end))
    plane = ((points - a) * normal).sum(1).square() / normal.square().sum(1).clamp(min=1e-24)
    return torch.where(over, plane, edge).sqrt()


class NearestSurface:
    """Finds the nearest of many surface points: first by cells, then among the cells' points."""

    def __init__(self, boundary: Boundary) -> None:
        """
        Args:
            boundary: Of one person, at least one point.
        """
        points = boundary.points
        cell = (points / _CELL_M).round().long() + 512
        key = (cell[:, 0] * 1024 + cell[:, 1]) * 1024 + cell[:, 2]
        key, order = key.sort()
        self._points, self._corners = points[order], boundary.corners[order]
        _, inverse, self._count = torch.unique_consecutive(
            key, return_inverse=True, return_counts=True
        )
        self._first = self._count.cumsum(0) - self._count
        total = points.new_zeros(len(self._count), 3).index_add(0, inverse, self._points)
        self._centre = total / self._count[:, None]
        off = (self._points - self._centre[inverse]).norm(dim=1)
        self._radius = off.new_zeros(len(total)).scatter_reduce(0, inverse, off, "amax")

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """Distances (N,) of points (N, 3): to the triangle of the nearest surface point.

        Off by a small part of the surface points' spacing, where a neighbour's triangle is nearer;
        beyond 10 cm also by up to a millimetre, where another cell holds the nearest point.
        """
        step = max(1, _PAIRS_PER_CHUNK // len(self._centre))
        return torch.cat([self._distance(part) for part in points.split(step)])

    def _distance(self, points: torch.Tensor) -> torch.Tensor:
        far = torch.cdist(points, self._centre)
        every = torch.arange(len(points), device=points.device)
        apart, where = self._nearest(points, every, far.argmin(1))
        close = torch.nonzero(apart < _CLOSE_M)[:, 0]
        # No cell beyond the best point so far can hold the nearest one.
        near = far[close] <= apart[close, None] + self._radius + _ROUNDING_M
        row, cell = torch.nonzero(near, as_tuple=True)
        _, where[close] = self._nearest(points[close], row, cell)
        return triangle_distance(points, self._corners[where])

    def _nearest(
        self, points: torch.Tensor, row: torch.Tensor, cell: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Distance and number (N,) of the nearest surface point in the cells of each point's pairs.

        Args:
            points: (N, 3).
            row: (pairs,) a point, each at least once.
            cell: (pairs,) a cell to look into.
        """
        count = self._count[cell]
        pair = torch.repeat_interleave(torch.arange(len(row), device=row.device), count)
        start = self._first[cell] - (count.cumsum(0) - count)
        number = torch.arange(len(pair), device=row.device) + start[pair]
        row = row[pair]
        apart = (points[row] - self._points[number]).square().sum(1)
        best = apart.new_full((len(points),), torch.inf).scatter_reduce(0, row, apart, "amin")
        hit = torch.nonzero(apart == best[row])[:, 0]
        where = row.new_zeros(len(points)).scatter_reduce(0, row[hit], number[hit], "amax")
        return best.sqrt(), where
