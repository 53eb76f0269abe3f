"""Distance to the surface of a solid."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.synthetic.solid import Boundary

_CELL_M = 0.02
"""Side of the small cells; the large ones are three times as wide."""
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
        over &= (torch.linalg.cross(end - start, points - start) * normal).sum(1) > 0
        edge = torch.minimum(edge, _segment_distance2(points, start, end))
    plane = ((points - a) * normal).sum(1).square() / normal.square().sum(1).clamp(min=1e-24)
    return torch.where(over, plane, edge).sqrt()


@dataclass(frozen=True)
class _Cells:
    """Balls around neighbouring points, or around neighbouring cells."""

    centre: torch.Tensor
    """(C, 3)."""
    radius: torch.Tensor
    """(C,) of the ball that holds all its points."""
    first: torch.Tensor
    """(C,) its first member."""
    count: torch.Tensor
    """(C,) of its members, which follow each other."""

    def members(self, row: torch.Tensor, cell: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """For each pair (pairs,) of a row and a cell, the row and the number of every member."""
        count = self.count[cell]
        pair = torch.repeat_interleave(torch.arange(len(cell), device=cell.device), count)
        start = self.first[cell] - (count.cumsum(0) - count)
        return row[pair], torch.arange(len(pair), device=cell.device) + start[pair]


def _cells(points: torch.Tensor, key: torch.Tensor, members: torch.Tensor) -> _Cells:
    """Cells of sorted points (N, 3) with equal keys; ``members`` (N,) numbers what is in them."""
    _, inverse, size = torch.unique_consecutive(key, return_inverse=True, return_counts=True)
    empty = points.new_zeros(len(size), 3)
    centre = empty.index_add(0, inverse, points) / size[:, None]
    off = (points - centre[inverse]).norm(dim=1)
    radius = empty[:, 0].scatter_reduce(0, inverse, off, "amax")
    last = size.cumsum(0) - 1
    first, end = members[last - size + 1], members[last]
    return _Cells(centre, radius, first, end - first + 1)


class NearestSurface:
    """Finds the nearest of many surface points: by large cells, small cells, then points."""

    def __init__(self, boundary: Boundary) -> None:
        """
        Args:
            boundary: Of one person, at least one point.
        """
        small = (boundary.points / _CELL_M).floor().long() + 768
        large = small // 3
        large = (large[:, 0] * 512 + large[:, 1]) * 512 + large[:, 2]
        small = small % 3
        key = large * 27 + (small[:, 0] * 3 + small[:, 1]) * 3 + small[:, 2]
        key, order = key.sort(stable=True)
        self._points, self._corners = boundary.points[order], boundary.corners[order]
        number = torch.arange(len(key), device=key.device)
        self._small = _cells(self._points, key, number)
        _, number = torch.unique_consecutive(key, return_inverse=True)
        self._large = _cells(self._points, key // 27, number)

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """Distances (N,) of points (N, 3): to the triangle of the nearest surface point.

        Off by a small part of the surface points' spacing, where a neighbour's triangle is nearer.
        """
        step = max(1, _PAIRS_PER_CHUNK // len(self._large.centre))
        return torch.cat([self._distance(part) for part in points.split(step)])

    def _distance(self, points: torch.Tensor) -> torch.Tensor:
        apart = torch.cdist(points, self._large.centre)
        # Some surface point of the nearest small cell of the nearest large one is at most so far.
        every = torch.arange(len(points), device=points.device)
        row, small = self._large.members(every, apart.argmin(1))
        most = self._apart(points, row, self._small.centre, small) + self._small.radius[small]
        most = most.new_full((len(points),), torch.inf).scatter_reduce(0, row, most, "amin")
        row, large = torch.nonzero(
            apart <= (most + _ROUNDING_M)[:, None] + self._large.radius, as_tuple=True
        )
        row, small = self._large.members(row, large)
        apart = self._apart(points, row, self._small.centre, small)
        # No cell beyond the farthest end of another can hold the nearest point.
        radius = self._small.radius[small]
        most = most.scatter_reduce(0, row, apart + radius, "amin")
        near = torch.nonzero(apart - radius <= most[row] + 1e-6)[:, 0]
        row, number = self._small.members(row[near], small[near])
        apart = self._apart(points, row, self._points, number)
        best = most.new_full((len(points),), torch.inf).scatter_reduce(0, row, apart, "amin")
        hit = torch.nonzero(apart == best[row])[:, 0]
        where = row.new_zeros(len(points)).scatter_reduce(0, row[hit], number[hit], "amax")
        return triangle_distance(points, self._corners[where])

    @staticmethod
    def _apart(
        points: torch.Tensor, row: torch.Tensor, others: torch.Tensor, number: torch.Tensor
    ) -> torch.Tensor:
        """Distances (pairs,)."""
        apart: torch.Tensor = (points[row] - others[number]).norm(dim=1)
        return apart
