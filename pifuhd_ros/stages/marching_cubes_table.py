"""Which triangles cross a cell, for each of the 256 ways its corners can lie in or out.

The table is derived, not copied. On each of the six sides of a cell every run of inside corners is
cut off by one segment; where two inside corners face each other diagonally (the ambiguous side)
they are therefore kept apart. The rule looks at nothing but the side's own corners, so two cells
that share a side draw the same segments on it and the surface cannot have holes. The segments of a
cell chain into closed loops, and each loop is split into triangles by diagonals that never lie in
a side of the cell, so no edge of the mesh can belong to more than two triangles.

Source: Lorensen and Cline, "Marching Cubes", SIGGRAPH 1987; Nielson and Hamann, "The Asymptotic
Decider", Visualization 1991, for the ambiguous sides (here: decided by a fixed rule).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch

Triangle = tuple[int, int, int]

EDGES: tuple[tuple[int, int], ...] = tuple(
    (corner, axis) for axis in range(3) for corner in range(8) if not corner >> axis & 1
)
"""The 12 edges of a cell: (corner with the lower coordinate, axis); corner c lies at bits (x, y, z)
of c, so that the other end is corner + 2 ** axis."""


def _side_corners(axis: int, is_high: bool) -> tuple[int, ...]:
    """The four corners of a side of the cell, counter-clockwise seen from outside the cell."""
    first, second = 1 << (axis + 1) % 3, 1 << (axis + 2) % 3
    ring = (0, first, first | second, second)
    return tuple(corner | 1 << axis for corner in ring) if is_high else ring[::-1]


SIDES: tuple[tuple[int, ...], ...] = tuple(
    _side_corners(axis, is_high) for axis in range(3) for is_high in (False, True)
)
"""Corners of the six sides, low and high of x, y, z, counter-clockwise seen from outside."""


def _edge_between(a: int, b: int) -> int:
    return EDGES.index((min(a, b), (a ^ b).bit_length() - 1))


def _edge_sides(edge: int) -> set[int]:
    """The two sides of the cell that an edge lies in."""
    corner, axis = EDGES[edge]
    return {i for i, side in enumerate(SIDES) if corner in side and corner | 1 << axis in side}


def _loops(case: int) -> list[list[int]]:
    """The closed loops of edge crossings of one case, counter-clockwise seen from outside."""
    successor: dict[int, int] = {}
    for side in SIDES:
        inside = [bool(case >> corner & 1) for corner in side]
        for start in range(4):
            if inside[start - 1] or not inside[start]:
                continue
            end = start
            while inside[(end + 1) % 4]:
                end += 1
            entry = _edge_between(side[start - 1], side[start])
            leave = _edge_between(side[end % 4], side[(end + 1) % 4])
            successor[entry] = leave
    loops = []
    while successor:
        edge, following = successor.popitem()
        loop = [edge]
        while following != edge:
            loop.append(following)
            following = successor.pop(following)
        loops.append(loop)
    return loops


def _triangulations(loop: list[int]) -> Iterator[list[Triangle]]:
    """All ways to split a polygon into triangles without a diagonal in a side of the cell."""
    if len(loop) < 3:
        yield []
        return
    first, last = loop[0], loop[-1]
    for middle in range(1, len(loop) - 1):
        left, right = loop[: middle + 1], loop[middle:]
        diagonals = [part for part in (left, right) if len(part) > 2]
        if any(_edge_sides(part[0]) & _edge_sides(part[-1]) for part in diagonals):
            continue
        for head in _triangulations(left):
            for tail in _triangulations(right):
                yield [*head, (first, loop[middle], last), *tail]


def _perimeter(triangles: list[Triangle]) -> float:
    """Sum of all triangles' squared sides, with every crossing in the middle of its edge."""
    middle = []
    for corner, axis in EDGES:
        point = [float(corner >> i & 1) for i in range(3)]
        point[axis] = 0.5
        middle.append(point)
    return sum(
        sum((p - q) ** 2 for p, q in zip(middle[triangle[i - 1]], middle[triangle[i]], strict=True))
        for triangle in triangles
        for i in range(3)
    )


def triangulate_case(case: int) -> list[Triangle]:
    """Triangles of one case, as triples of edges (indices into EDGES).

    Args:
        case: bit c is set where corner c is inside.
    """
    return [
        triangle for loop in _loops(case) for triangle in min(_triangulations(loop), key=_perimeter)
    ]


@lru_cache(maxsize=1)
def triangle_table() -> torch.Tensor:
    """Triangles of all cases, (256, T, 3) int64 edges, -1 where a case has fewer than T."""
    cases = [triangulate_case(case) for case in range(256)]
    most = max(len(triangles) for triangles in cases)
    table = torch.full((256, most, 3), -1, dtype=torch.int64)
    for case, triangles in enumerate(cases):
        for i, triangle in enumerate(triangles):
            table[case, i] = torch.tensor(triangle)
    return table
