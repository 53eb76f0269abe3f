"""A triangle rasteriser in plain torch: every covered pixel centre, or the nearest surface."""

from __future__ import annotations

from dataclasses import dataclass

import torch

_CANDIDATES_PER_CHUNK = 1_000_000
_SUBPIXEL = 1024
"""Corners are rounded to this part of a pixel: with so few digits every edge function is exact in
double precision, in any order of operations. A pixel centre then never falls into both of two
triangles that share an edge, or into neither."""
_TIE = 2.0**-22
"""Decides for a centre on an edge; less than any difference, which are multiples of 2^-20."""


@dataclass(frozen=True)
class Coverage:
    """Every (pixel, triangle) pair in which the triangle covers the pixel's centre."""

    pixel: torch.Tensor
    """(M,) int64, v * width + u, plus image * height * width for batched faces."""
    face: torch.Tensor
    """(M,) int64 index into faces."""
    barycentric: torch.Tensor
    """(M, 3) weights of the face's corners."""
    depth: torch.Tensor
    """(M,)"""
    is_front: torch.Tensor
    """(M,) bool: the face turns counter-clockwise to an eye that sees v pointing down."""


@dataclass(frozen=True)
class Fragments:
    """The nearest surface in every pixel."""

    face: torch.Tensor
    """(H, W) int64 index into faces, -1 where nothing is."""
    depth: torch.Tensor
    """(H, W), infinity where nothing is."""
    barycentric: torch.Tensor
    """(H, W, 3), zero where nothing is."""


def _snap(points: torch.Tensor) -> torch.Tensor:
    points = points.double()
    return torch.cat([(points[:, :2] * _SUBPIXEL).round() / _SUBPIXEL, points[:, 2:]], 1)


def _classes(side: torch.Tensor) -> list[tuple[int, torch.Tensor]]:
    """Faces by the side of their box, rounded up by less than half; in pieces that fit a chunk."""
    result = []
    below, n = 0, 1
    largest = int(side.max()) if len(side) else 0
    while below < largest:
        some = torch.nonzero((side > below) & (side <= n))[:, 0]
        result += [(n, part) for part in some.split(max(1, _CANDIDATES_PER_CHUNK // n**2))]
        below, n = n, n + max(1, n // 2)
    return result


def cover(
    points: torch.Tensor,
    faces: torch.Tensor,
    height: int,
    width: int,
    image: torch.Tensor | None = None,
) -> Coverage:
    """Finds every pixel centre that every triangle covers, each crossing exactly once.

    Args:
        points: (V, 3) pixel column u, pixel row v (centres at integers), depth (any unit).
        faces: (F, 3) int64.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        image: (F,) int64, the image of a batch that each face belongs to; None for one image.

    Returns:
        The covered pixels, in an order that depends on the input alone.
    """
    points = _snap(points)
    corners = points[faces]
    limit = torch.tensor([width - 1.0, height - 1.0], dtype=torch.float64, device=points.device)
    low = corners[..., :2].amin(1).ceil().clamp(min=0)
    high = torch.minimum(corners[..., :2].amax(1).floor(), limit)
    size = (high - low + 1).clamp(min=0)
    side = torch.where(size.amin(1) > 0, size.amax(1), 0.0).long()
    none = torch.zeros(0, dtype=torch.int64, device=points.device)
    hits = [(none, none, points.new_zeros(0, 3))]
    hits += [
        _cover_class(corners[some], some, low[some], high[some], n, width)
        for n, some in _classes(side)
    ]
    face, pixel, sides = (torch.cat(x) for x in zip(*hits, strict=True))
    barycentric = sides / (sides[:, :1] + sides[:, 1:2] + sides[:, 2:])
    a, b, c = (barycentric * corners[..., 2][face]).unbind(1)
    depth = a + b + c
    if image is not None:
        pixel = pixel + image[face] * (height * width)
    # v points down, so a triangle that is counter-clockwise for the eye has negative sides.
    return Coverage(pixel, face, barycentric.float(), depth.float(), sides[:, 0] < 0)


def _cover_class(
    corners: torch.Tensor,
    number: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor,
    n: int,
    width: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Hits of faces whose boxes are at most n pixels wide: their numbers, pixels, edge functions.

    Args:
        corners: (F, 3, 3) of the faces, snapped.
        number: (F,) of the faces.
        low: (F, 2) first pixel of each box.
        high: (F, 2) last pixel of each box.
        n: Side of the square of candidates that each face gets.
        width: Of the image.
    """
    step = torch.arange(n, dtype=torch.float64, device=corners.device)
    du, dv = step.repeat(n), step.repeat_interleave(n)
    edges = []
    for i, j in ((1, 2), (2, 0), (0, 1)):
        a, b = corners[:, i, :2], corners[:, j, :2]
        along = b - a
        start = low - a
        at_low = along[:, 0] * start[:, 1] - along[:, 1] * start[:, 0]
        # As if every centre lay a trace to the right, and a trace of that further down.
        tie = torch.where(along[:, 1] == 0, along[:, 0], -along[:, 1]).sign() * _TIE
        at_low = at_low + tie
        side = torch.addcmul(at_low[:, None], along[:, :1], dv)
        edges.append(side.addcmul_(along[:, 1:], du, value=-1))
    positive = edges[0] > 0
    inside = ((edges[1] > 0) == positive) & ((edges[2] > 0) == positive)
    room = high - low
    inside &= (du <= room[:, :1]) & (dv <= room[:, 1:])
    row, cell = torch.nonzero(inside, as_tuple=True)
    first = (low[:, 1] * width + low[:, 0]).long()
    pixel = first[row] + (cell // n) * width + cell % n
    return number[row], pixel, torch.stack([edge[row, cell] for edge in edges], 1)


def nearest(coverage: Coverage, pixels: int) -> torch.Tensor:
    """Index into ``coverage`` of the nearest crossing in each of ``pixels`` pixels, -1 for none."""
    index = torch.full((pixels,), -1, dtype=torch.int64, device=coverage.pixel.device)
    if len(coverage.pixel) == 0:
        return index
    best = torch.full((pixels,), torch.inf, device=coverage.depth.device)
    best = best.scatter_reduce(0, coverage.pixel, coverage.depth, "amin")
    winner = torch.nonzero(coverage.depth == best[coverage.pixel])[:, 0]
    # Equal depths: the last face wins, on every device and in every batch.
    pixel, face = coverage.pixel[winner], coverage.face[winner]
    last = torch.full_like(index, -1).scatter_reduce(0, pixel, face, "amax")
    winner = winner[face == last[pixel]]
    index[coverage.pixel[winner]] = winner
    return index


def rasterize(points: torch.Tensor, faces: torch.Tensor, height: int, width: int) -> Fragments:
    """Draws triangles with a z-buffer.

    Args:
        points: (V, 3) pixel column u, pixel row v (centres at integers), depth (smaller is nearer).
        faces: (F, 3) int64.
        height: Of the image, in pixels.
        width: Of the image, in pixels.

    Returns:
        The nearest surface in every pixel.
    """
    coverage = cover(points, faces, height, width)
    index = nearest(coverage, height * width)
    hit = index >= 0
    safe = index[hit]
    face = torch.full_like(index, -1)
    face[hit] = coverage.face[safe]
    depth = torch.full((height * width,), torch.inf, device=points.device)
    depth[hit] = coverage.depth[safe]
    barycentric = torch.zeros(height * width, 3, device=points.device)
    barycentric[hit] = coverage.barycentric[safe]
    return Fragments(
        face.view(height, width),
        depth.view(height, width),
        barycentric.view(height, width, 3),
    )
