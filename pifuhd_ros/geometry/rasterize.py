"""A triangle rasteriser in plain torch: every covered pixel centre, or the nearest surface."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch

_CANDIDATES_PER_CHUNK = 8_000_000


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


def _edge_side(
    points: torch.Tensor,
    first: torch.Tensor,
    second: torch.Tensor,
    u: torch.Tensor,
    v: torch.Tensor,
) -> torch.Tensor:
    """Signed side of (u, v) to the edge; exactly opposite for the edge's other triangle.

    The edge is always taken from its lower vertex index to its higher one, so that rounding is the
    same for both triangles that share it and a pixel centre never falls into both or neither.
    """
    swap = first > second
    a = points[torch.where(swap, second, first)]
    b = points[torch.where(swap, first, second)]
    side = (b[:, 0] - a[:, 0]) * (v - a[:, 1]) - (b[:, 1] - a[:, 1]) * (u - a[:, 0])
    # Zero counts as positive for the canonical direction: half-open, never both sides.
    side = torch.where(side == 0, torch.full_like(side, torch.finfo(side.dtype).tiny), side)
    return torch.where(swap, -side, side)


def _chunks(counts: torch.Tensor) -> list[tuple[int, int]]:
    """Ranges of faces whose candidate pixels fit one chunk."""
    total = torch.cumsum(counts, 0)
    if len(total) == 0 or int(total[-1]) <= _CANDIDATES_PER_CHUNK:
        return [(0, len(counts))]
    bins = (total - 1) // _CANDIDATES_PER_CHUNK
    starts = [0, *(torch.nonzero(bins[1:] != bins[:-1])[:, 0] + 1).tolist(), len(counts)]
    return list(pairwise(starts))


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
        The covered pixels, in the order of the faces.
    """
    points = points.double()
    corners = points[faces]
    low = corners[..., :2].amin(1).ceil().clamp(min=0).long()
    high = corners[..., :2].amax(1).floor().long()
    high = torch.minimum(high, torch.tensor([width - 1, height - 1], device=points.device))
    size = (high - low + 1).clamp(min=0)
    counts = size[:, 0] * size[:, 1]
    some = torch.nonzero(counts)[:, 0]
    parts = [
        _cover_chunk(points, faces, some[a:b], low, size, counts, width)
        for a, b in _chunks(counts[some])
    ]
    face, u, v, barycentric, is_front = (torch.cat(x) for x in zip(*parts, strict=True))
    depth = (barycentric * corners[face, :, 2]).sum(1)
    pixel = v * width + u
    if image is not None:
        pixel = pixel + image[face] * (height * width)
    return Coverage(pixel, face, barycentric.float(), depth.float(), is_front)


def _cover_chunk(
    points: torch.Tensor,
    faces: torch.Tensor,
    some: torch.Tensor,
    low: torch.Tensor,
    size: torch.Tensor,
    counts: torch.Tensor,
    width: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    face = torch.repeat_interleave(some, counts[some])
    starts = torch.cumsum(counts[some], 0) - counts[some]
    within = torch.arange(len(face), device=face.device) - torch.repeat_interleave(
        starts, counts[some]
    )
    u = low[face, 0] + within % size[face, 0]
    v = low[face, 1] + within // size[face, 0]
    i, j, k = faces[face].unbind(1)
    sides = torch.stack(
        [
            _edge_side(points, j, k, u, v),
            _edge_side(points, k, i, u, v),
            _edge_side(points, i, j, u, v),
        ],
        1,
    )
    all_positive = (sides > 0).all(1)
    inside = all_positive | (sides < 0).all(1)
    sides = sides[inside]
    area = sides.sum(1, keepdim=True)
    barycentric = sides / torch.where(area == 0, torch.ones_like(area), area)
    # v points down, so a triangle that is counter-clockwise for the eye has negative sides.
    return face[inside], u[inside], v[inside], barycentric, ~all_positive[inside]


def nearest(coverage: Coverage, pixels: int) -> torch.Tensor:
    """Index into ``coverage`` of the nearest crossing in each of ``pixels`` pixels, -1 for none."""
    index = torch.full((pixels,), -1, dtype=torch.int64, device=coverage.pixel.device)
    if len(coverage.pixel) == 0:
        return index
    best = torch.full((pixels,), torch.inf, device=coverage.depth.device)
    best = best.scatter_reduce(0, coverage.pixel, coverage.depth, "amin")
    winner = torch.nonzero(coverage.depth == best[coverage.pixel])[:, 0]
    # Equal depths: the highest coverage index wins, on every device.
    return index.scatter_reduce(0, coverage.pixel[winner], winner, "amax")


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
