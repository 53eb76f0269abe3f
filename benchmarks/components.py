"""Whether the search for the surface finds every part that an evaluation of the full grid finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from held_out_crops import held_out_crops
from measure import Case, Timing, peak_of, summarize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pifuhd_ros.fields.engine import prepare_engine
from pifuhd_ros.fields.pifuhd import PifuhdField, encode_pifuhd
from pifuhd_ros.geometry.grid import VoxelGrid
from pifuhd_ros.networks.weights import load_network
from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.stages.cleanup import clean_mesh
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
    """Match the parts by the edges of the grid that their vertices lie on."""
    count = len(dense.vertices)
    a, b = dense.faces[:, [0, 1]].ravel(), dense.faces[:, [1, 2]].ravel()
    graph = coo_array((np.ones(len(a), bool), (a, b)), shape=(count, count))
    parts, part = connected_components(graph, directed=False)
    is_found = np.isin(_grid_edges(dense, resolution), _grid_edges(found, resolution))
    lost = np.setdiff1d(np.arange(parts), part[is_found])
    sizes = [np.ptp(dense.vertices[part == name], axis=0).max() for name in lost]
    return Parts(parts, len(lost), float(max(sizes, default=0.0)) * resolution / 2)


def _grid_edges(mesh: Mesh, resolution: int) -> npt.NDArray[np.int64]:
    """A number (V,) for the edge of the grid that each vertex lies on.

    Where on it depends on the last bit of the field's values, and these on how many points a
    network was asked for at once.
    """
    cells = (mesh.vertices.astype(np.float64) + 1) * (resolution / 2)
    axis = np.abs(cells - np.rint(cells)).argmax(axis=1)
    rows = np.arange(len(cells))
    low = np.rint(cells).astype(np.int64)
    low[rows, axis] = np.floor(cells[rows, axis])
    n = resolution + 1
    edges: npt.NDArray[np.int64] = ((low[:, 0] * n + low[:, 1]) * n + low[:, 2]) * 3 + axis
    return edges


def extraction_components(fields: Iterable[ImplicitField], resolution: int = 256) -> Case:
    """Parts of some fields' surfaces that the search loses.

    Args:
        fields: the shapes, asked for one after another.
        resolution: cells along each axis.
    """
    compared, cleaned, seconds, visited = [], [], [], []
    for field in fields:
        watch = StageWatch(field.device)
        watch("extract", 0.0)
        try:
            found = extract_surface(field, resolution)
        except SurfaceError:
            mesh = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64))
            visited.append(0.0)
        else:
            mesh = found.mesh
            visited.append(found.visited_fraction)
        seconds.append(watch.take_timings_s()["extract"])
        dense = dense_surface(field, resolution)
        compared.append(compare_parts(dense, mesh, resolution))
        kept = clean_mesh(dense) if len(dense.faces) else dense
        cleaned.append(compare_parts(kept, mesh, resolution))
    timing: Timing = summarize(seconds)
    return Case(
        "components",
        f"separate parts that the search finds, {resolution}³, {len(compared)} hard shapes",
        total=timing,
        figures={
            "parts": float(sum(parts.dense for parts in compared)),
            "lost": float(sum(parts.lost for parts in compared)),
            "largest_lost_cells": max(parts.largest_lost_cells for parts in compared),
            "lost_of_those_that_cleaning_keeps": float(sum(parts.lost for parts in cleaned)),
            "of_grid_percent": 100 * sum(visited) / len(visited),
        },
    )


def people_components(
    assets: Path, weights: Path | None, device: torch.device, people: int, resolution: int
) -> Case:
    """The same of what a network makes of held-out people.

    Args:
        assets: packed; what the people are made of.
        weights: None for the shipped ones.
        device: which does the work.
        people: how many of them.
        resolution: cells along each axis.
    """
    case = extraction_components(_fields(assets, weights, device, people), resolution)
    return replace(
        case,
        name="people_components",
        title=f"the same of {people} held-out people, {resolution}³",
        peak_memory_gb=peak_of(device),
        note="the shipped network's fields; a part that the cleaning keeps has at least a "
        "hundredth of the area of the largest; the others are crumbs that no result shows.",
    )


def _fields(
    assets: Path, weights: Path | None, device: torch.device, people: int
) -> Iterator[PifuhdField]:
    network = load_network(weights).to(device)
    engine = prepare_engine(network)
    for crop in held_out_crops(assets, network.config.fine_size, people):
        yield encode_pifuhd(engine, crop)[1]
