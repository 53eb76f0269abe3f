"""From a field to a surface: coarse to fine, asking only near the surface."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.geometry.grid import VoxelGrid
from pifuhd_ros.geometry.mesh_normals import vertex_normals_on_device
from pifuhd_ros.networks.host_copy import copy_to_host
from pifuhd_ros.stages.field_normals import field_normals
from pifuhd_ros.stages.field_samples import FieldSamples, new_keys
from pifuhd_ros.stages.marching_cubes import marching_cubes
from pifuhd_ros.stages.marching_cubes_table import SIDES
from pifuhd_ros.types.errors import SurfaceError
from pifuhd_ros.types.field import ImplicitField
from pifuhd_ros.types.mesh import Mesh
from pifuhd_ros.types.progress import OnProgress

MIN_RESOLUTION, MAX_RESOLUTION = 32, 1024
MAX_COARSE_RESOLUTION = 64

# A cell without a change of sign is still split when one of its corners is closer to the level than
# this part of the change of the field across the cells around it. For a signed distance 0.75 is
# enough for a point-sized shape in the middle of a cell to be found.
SAFETY_MARGIN = 0.75

# An occupancy is flat far from the surface and would hide what is thin; its logit is steep there,
# too. A trained network's logits are so uneven that the margin of signed distances asks for two
# thirds more points than their occupancies do; with this one it is two fifths, and the hard shapes
# of the benchmarks lose no part.
OCCUPANCY_MARGIN = 0.5

# The same before the last split, where no more than a crumb of a cell or two can hide.
LAST_MARGIN = 0.35

_SUREST = 1 - 1.2e-7
"""The largest float32 below one: beyond it logits are infinite."""


@dataclass(frozen=True)
class SurfaceExtraction:
    """A surface and what it cost to find."""

    mesh: Mesh
    """In model space, closed, with normals."""
    visited_points: int
    """How many points the field was asked for."""
    grid_points: int
    """Points of the full grid at the same resolution."""

    @property
    def visited_fraction(self) -> float:
        """Part of the full grid that was visited."""
        return self.visited_points / self.grid_points


def coarse_resolution_of(resolution: int) -> int:
    """Cells along each axis of the grid that a search at ``resolution`` starts from.

    It is the resolution halved as often as 32 or more are left.

    Raises:
        SurfaceError: the resolution is out of range or cannot be halved down to 64 or less.
    """
    if not MIN_RESOLUTION <= resolution <= MAX_RESOLUTION:
        raise SurfaceError(
            f"resolution {resolution} is out of range: choose {MIN_RESOLUTION} to {MAX_RESOLUTION}"
        )
    coarse, splits = resolution, 0
    while coarse % 2 == 0 and coarse // 2 >= MIN_RESOLUTION:
        coarse, splits = coarse // 2, splits + 1
    if coarse > MAX_COARSE_RESOLUTION:
        step = 1
        while resolution / step > MAX_COARSE_RESOLUTION:
            step *= 2
        nearest = round(resolution / step) * step
        raise SurfaceError(
            f"resolution {resolution} cannot be halved down to {MAX_COARSE_RESOLUTION} or less: "
            f"choose {nearest}, or a power of two such as 256"
        )
    return coarse


def extract_surface(
    field: ImplicitField,
    resolution: int = 256,
    *,
    max_points_per_query: int = 2**16,
    normals_from_field: bool = False,
    on_progress: OnProgress | None = None,
) -> SurfaceExtraction:
    """Triangulate the level set of a field on the grid -1 + 2 i / resolution of the model box.

    The search starts from all cells of a coarse grid, keeps those that the surface may cross,
    splits them in two along each axis, and so on. At each size it follows the surface from cell to
    cell beyond the cells that were kept, so each surface that is found is found whole: the mesh
    equals that of the full grid except for separate pieces thinner than a cell of a coarser grid.

    Args:
        field: the shape. It is asked for points sorted by x, then y, then z.
        resolution: cells along each axis, 32 to 1024: a number from 32 to 64, doubled any times.
        max_points_per_query: upper bound of the points of one ``field.query``; bounds its memory.
        normals_from_field: take the normals from the gradient of the field (six more queries a
            vertex, not counted as visited) instead of from the triangles.
        on_progress: called with ("surface", fraction) before each query.

    Returns:
        The closed mesh in model space; the sides of the box cut through what reaches them.

    Raises:
        SurfaceError: the field is empty, full or not finite, or the resolution is unusable.
    """
    coarse = coarse_resolution_of(resolution)
    stride = resolution // coarse
    grid = VoxelGrid(resolution)
    report = _Report(on_progress, levels=stride.bit_length())
    search = _Search(field, grid, max_points_per_query, report)

    cells = grid.cells(stride, field.device)
    samples = FieldSamples.everywhere(
        field, grid, stride, max_points_per_query, report.within_level
    )
    is_occupancy = _judge(samples, field, grid)
    values = samples.at_corners(cells, grid, stride)
    while stride > 1:
        cells = cells[_is_near_surface(cells, values, samples, grid, stride, is_occupancy)]
        stride //= 2
        report.next_level()
        cells = (cells[:, None] + grid.corner_steps(stride, field.device)).flatten().sort().values
        samples = search.sample(samples, cells, stride)
        cells, values, samples = search.follow_surface(cells, samples, stride)
    samples.check_finite(grid)
    vertices, faces = marching_cubes(cells, half_logits(values) if is_occupancy else values, grid)
    if len(faces) == 0:
        raise SurfaceError(
            f"the field is empty: no point of the box is inside ({_range(samples, field)}); "
            "is the person in the image, and in the mask?"
        )
    normals = vertex_normals_on_device(vertices, faces)
    if normals_from_field:
        exact = field_normals(field, vertices, grid.cell_size / 2, max_points_per_query)
        normals = torch.where(exact.any(dim=-1, keepdim=True), exact, normals)
    # Half the bytes: no mesh has so many vertices that it takes more than 31 bits to count them.
    if faces.is_cuda:
        faces = faces.int()
    vertices, faces, normals = copy_to_host(vertices, faces, normals)
    report.finish()
    return SurfaceExtraction(
        mesh=Mesh(vertices.numpy(), faces.long().numpy(), normals.numpy()),
        visited_points=samples.queried_points,
        grid_points=grid.points_per_axis**3,
    )


class _Report:
    """Progress over levels that are each taken to cost twice the one before; never runs back."""

    def __init__(self, on_progress: OnProgress | None, levels: int) -> None:
        self._on_progress = on_progress
        self._levels = levels
        self._level = 0
        self._done = 0.0

    def within_level(self, fraction: float) -> None:
        part = (2**self._level * (1.0 + fraction) - 1.0) / (2**self._levels - 1.0)
        self._done = max(self._done, part)
        if self._on_progress is not None:
            self._on_progress("surface", self._done)

    def next_level(self) -> None:
        self._level += 1

    def finish(self) -> None:
        self.within_level(1.0)


@dataclass(frozen=True)
class _Search:
    """What stays the same during one extraction."""

    field: ImplicitField
    grid: VoxelGrid
    max_points_per_query: int
    report: _Report

    def sample(self, samples: FieldSamples, cells: torch.Tensor, stride: int) -> FieldSamples:
        """The samples and those at all corners of ``cells``."""
        # Most corners below a cell are above another one: a round over half of them pays.
        low = torch.unique(self.grid.corner_keys(cells, stride)[:, :4])
        corners = torch.cat((low, low + self.grid.step(0, 0, stride)))
        return samples.with_points(
            self.field, self.grid, corners, self.max_points_per_query, self.report.within_level
        )

    def follow_surface(
        self, cells: torch.Tensor, samples: FieldSamples, stride: int
    ) -> tuple[torch.Tensor, torch.Tensor, FieldSamples]:
        """Add the cells that the surface enters beyond ``cells``, until it enters no more.

        Returns:
            All cells (sorted keys), the values (C, 8) at their corners, and the samples.
        """
        values = samples.at_corners(cells, self.grid, stride)
        frontier, frontier_values = cells, values
        while True:
            entered = _cells_entered(frontier, frontier_values, self.grid, stride)
            frontier = new_keys(entered, cells)
            if len(frontier) == 0:
                return cells, values, samples
            samples = self.sample(samples, frontier, stride)
            frontier_values = samples.at_corners(frontier, self.grid, stride)
            cells, order = torch.cat((cells, frontier)).sort()
            values = torch.cat((values, frontier_values))[order]


def _cells_entered(
    cells: torch.Tensor, values: torch.Tensor, grid: VoxelGrid, stride: int
) -> torch.Tensor:
    """Keys of the neighbours that the surface enters through a side of one of ``cells``, repeated.

    No cell outside the box is ever among them: all points on the border are outside the shape.
    """
    inside = (values > 0).t().contiguous()
    beyond, is_crossed = [], []
    for side, (a, b, c, d) in enumerate(SIDES):
        direction = [0, 0, 0]
        direction[side // 2] = stride if side % 2 else -stride
        beyond.append(cells + grid.step(*direction))
        crossed = (inside[a] != inside[b]) | (inside[b] != inside[c]) | (inside[c] != inside[d])
        is_crossed.append(crossed)
    # All sides at once: each selection has to wait for a GPU to say how much it leaves.
    return torch.cat(beyond)[torch.cat(is_crossed)]


def _is_near_surface(
    cells: torch.Tensor,
    values: torch.Tensor,
    samples: FieldSamples,
    grid: VoxelGrid,
    stride: int,
    is_occupancy: bool,
) -> torch.Tensor:
    """True for cells that the surface crosses or may hide in."""
    inside = values > 0
    is_crossed = inside.any(dim=-1) & ~inside.all(dim=-1)
    known = values.isfinite()
    if is_occupancy:
        values = half_logits(values)
    highest = values.where(known, -torch.inf).amax(dim=-1)
    lowest = values.where(known, torch.inf).amin(dim=-1)
    change = (highest - lowest).clamp(min=0.0)
    corners = samples.find_corners(cells, grid, stride)
    change_at_point = torch.zeros_like(samples.values).scatter_reduce(
        0, corners.flatten(), change[:, None].expand(-1, 8).flatten(), reduce="amax"
    )
    change_around = change_at_point[corners].amax(dim=-1)
    margin = OCCUPANCY_MARGIN if is_occupancy else SAFETY_MARGIN
    if stride == 2:
        margin = min(margin, LAST_MARGIN)
    return is_crossed | (values.abs().amin(dim=-1) <= margin * change_around)


def half_logits(values: torch.Tensor) -> torch.Tensor:
    """Half the logits of occupancies, which are given less a half; signs and infinities stay.

    Across a surface they are straighter than occupancies: where an edge crosses it is found nearer
    to where the network puts it, and what lies askew to the grid has lower terraces.
    """
    return torch.where(values.isfinite(), (2 * values).clamp(-_SUREST, _SUREST).atanh(), values)


def _judge(samples: FieldSamples, field: ImplicitField, grid: VoxelGrid) -> bool:
    """Whether the field's values are probabilities, as far as they are known.

    Raises:
        SurfaceError: the field is full or not finite.
    """
    is_known = samples.values.isfinite()
    answers = (
        samples.not_finite(grid).any(),
        ((samples.values > 0) | ~is_known).all(),
        ((samples.values.abs() <= 0.5) | ~is_known).all(),
    )
    # Asked for at once: each answer would have to be waited for.
    is_broken, is_full, is_probable = torch.stack(answers).tolist()
    if is_broken:
        samples.check_finite(grid)
    if is_full:
        raise SurfaceError(
            f"the field is full: the whole box is inside ({_range(samples, field)}); "
            "is inside_is_above right for this field?"
        )
    return bool(is_probable and field.inside_is_above and field.level == 0.5)


def _range(samples: FieldSamples, field: ImplicitField) -> str:
    signed = samples.values[samples.values.isfinite()]
    raw = field.level + (signed if field.inside_is_above else -signed)
    return f"values {raw.min():.3g} to {raw.max():.3g}, level {field.level:g}"
