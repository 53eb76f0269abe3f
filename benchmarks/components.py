"""Whether the search for the surface finds every part that an evaluation of the full grid finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from measure import Case, Timing, summarize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pifuhd_ros.geometry.grid import VoxelGrid
from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.stages.marching_cubes import marching_cubes
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import ImplicitField, Mesh, SurfaceError


@dataclass(frozen=True)
class Parts:
    """What became of the separate parts of one field's surface."""

    dense: int
    """Parts on the full grid."""
    lost: int
    """Those that the search did not find."""
    largest_lost_cells: float
    """Longest side of the largest lost part's box, in cells."""


def dense_surface(field: ImplicitField, resolution: int, points_at_once: int = 2**18) -> Mesh:
    """The surface from all points of the grid: what the search is held to."""
    grid = VoxelGrid(resolution)
    n = grid.points_per_axis
    keys = torch.arange(n**3, device=field.device)
    parts = [field.query(grid.points(part)) - field.level for part in keys.split(points_at_once)]
    values = torch.cat(parts) if field.inside_is_above else -torch.cat(parts)
    values[grid.on_border(keys)] = -torch.inf
    inside = (values > 0).view(n, n, n)
    count = sum(
        inside[x : x + resolution, y : y + resolution, z : z + resolution].to(torch.int8)
        for x in (0, 1)
        for y in (0, 1)
        for z in (0, 1)
    )
    assert isinstance(count, torch.Tensor)
    cells = grid.cells(1, field.device)[((count > 0) & (count < 8)).flatten()]
    vertices, faces = marching_cubes(cells, values[grid.corner_keys(cells, 1)], grid)
    return Mesh(vertices.cpu().numpy(), faces.cpu().numpy())


def compare_parts(dense: Mesh, found: Mesh, resolution: int) -> Parts:
    """Match the parts by their vertices, which lie on the same edges of the same grid."""
    count = len(dense.vertices)
    a, b = dense.faces[:, [0, 1]].ravel(), dense.faces[:, [1, 2]].ravel()
    graph = coo_array((np.ones(len(a), bool), (a, b)), shape=(count, count))
    parts, part = connected_components(graph, directed=False)
    row = np.dtype((np.void, 12))
    is_found = np.isin(
        np.ascontiguousarray(dense.vertices).view(row),
        np.ascontiguousarray(found.vertices).view(row),
    ).ravel()
    lost = np.setdiff1d(np.arange(parts), part[is_found])
    sizes = [np.ptp(dense.vertices[part == name], axis=0).max() for name in lost]
    return Parts(parts, len(lost), float(max(sizes, default=0.0)) * resolution / 2)


def extraction_components(fields: Sequence[ImplicitField], resolution: int = 256) -> Case:
    """Parts of some fields' surfaces that the search loses.

    Args:
        fields: for example of generated people.
        resolution: cells along each axis.
    """
    compared, seconds, visited = [], [], 0.0
    for field in fields:
        watch = StageWatch(field.device)
        watch("extract", 0.0)
        try:
            found = extract_surface(field, resolution)
        except SurfaceError:
            mesh = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64))
        else:
            mesh = found.mesh
            visited += found.visited_fraction / len(fields)
        seconds.append(watch.take_timings_s()["extract"])
        compared.append(compare_parts(dense_surface(field, resolution), mesh, resolution))
    timing: Timing = summarize(seconds)
    return Case(
        "components",
        f"separate parts that the search finds, {resolution}³, {len(fields)} shapes",
        total=timing,
        figures={
            "parts": float(sum(parts.dense for parts in compared)),
            "lost": float(sum(parts.lost for parts in compared)),
            "largest_lost_cells": max(parts.largest_lost_cells for parts in compared),
            "of_grid_percent": 100 * visited,
        },
    )
