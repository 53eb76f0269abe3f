"""Marching cubes over a sparse set of cells: closed, deterministic, on any device."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch

from pifuhd_ros.geometry.grid import VoxelGrid
from pifuhd_ros.stages.marching_cubes_table import EDGES, triangle_table

# A crossing stays this far, in cells, from both ends of its edge: a value exactly on the level
# would otherwise put several vertices on one grid point and leave triangles without area.
NEAREST_TO_CORNER = 0.01


def marching_cubes(
    cells: torch.Tensor, corner_values: torch.Tensor, grid: VoxelGrid
) -> tuple[torch.Tensor, torch.Tensor]:
    """Triangulate the zero level of a field inside some cells of a grid.

    The surface is closed where the cells hold all of it: every edge then belongs to two triangles
    that run along it in opposite directions, whatever the values are.

    Args:
        cells: (C,) int64 sorted keys of distinct cells of edge length one grid step.
        corner_values: (C, 8) float32, positive inside; corner c lies at bits (x, y, z) of c.
            Cells that share a point give it the same value. Minus infinity stands for outside at
            no known distance: the surface then halves the edge.
        grid: the grid that the cells belong to.

    Returns:
        Vertices (V, 3) float32 in model space, sorted by grid edge, and faces (F, 3) int64,
        counter-clockwise seen from outside, sorted by cell.

    Source: Lorensen and Cline, "Marching Cubes", SIGGRAPH 1987.
    """
    device = cells.device
    bits = 2 ** torch.arange(8, device=device)
    case = ((corner_values > 0) * bits).sum(dim=-1)

    tables = _tables(device)
    cell_of_triangle, slot = tables.has_triangle[case].nonzero(as_tuple=True)
    edges = tables.triangles[case[cell_of_triangle], slot].flatten()
    cell_of_corner = cell_of_triangle.repeat_interleave(3)

    low_corner, axis = tables.low_corner[edges], tables.axis[edges]
    low_key = cells[cell_of_corner] + grid.corner_steps(1, device)[low_corner]
    edge_keys, faces = torch.unique(low_key * 3 + axis, return_inverse=True)

    low_value = corner_values[cell_of_corner, low_corner]
    high_value = corner_values[cell_of_corner, low_corner + 2**axis]
    # Every triangle at an edge writes the same number, so the order of writing does not matter.
    fraction = torch.empty(len(edge_keys), dtype=torch.float32, device=device)
    fraction[faces] = _crossing(low_value, high_value)

    indices = grid.indices(edge_keys.div(3, rounding_mode="floor")).to(torch.float32)
    indices[torch.arange(len(edge_keys), device=device), edge_keys % 3] += fraction
    return indices * grid.cell_size - 1.0, faces.reshape(-1, 3)


class _Tables(NamedTuple):
    triangles: torch.Tensor
    has_triangle: torch.Tensor
    """(256, T) whether a case has so many."""
    low_corner: torch.Tensor
    """(12,) of each edge."""
    axis: torch.Tensor
    """(12,) of each edge."""


@lru_cache
def _tables(device: torch.device) -> _Tables:
    """Brought to a device once: it would have to be waited for every time."""
    low_corner, axis = torch.tensor(EDGES).t().contiguous().to(device)
    triangles = triangle_table().to(device)
    return _Tables(triangles, triangles[..., 0] >= 0, low_corner, axis)


def _crossing(low_value: torch.Tensor, high_value: torch.Tensor) -> torch.Tensor:
    """Where along an edge the zero lies, 0 … 1, when one end is inside and the other outside."""
    fraction = low_value / (low_value - high_value)
    known = low_value.isfinite() & high_value.isfinite()
    fraction = torch.where(known, fraction, 0.5)
    return fraction.clamp(NEAREST_TO_CORNER, 1.0 - NEAREST_TO_CORNER)
