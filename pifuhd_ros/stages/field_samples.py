"""The values of a field at a sparse set of grid points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from pifuhd_ros.geometry.grid import VoxelGrid
from pifuhd_ros.types.errors import SurfaceError
from pifuhd_ros.types.field import ImplicitField


@dataclass(frozen=True)
class FieldSamples:
    """Values known so far, relative to the field's level and positive inside.

    Points on the border of the box hold minus infinity without asking the field: what lies outside
    the box is outside the shape, so every surface closes within the box.
    """

    keys: torch.Tensor
    """(M,) int64, sorted: grid points."""
    values: torch.Tensor
    """(M,) float32."""
    queried_points: int = 0
    """How many of them the field was asked for."""

    @staticmethod
    def empty(device: torch.device) -> FieldSamples:
        """No values at all."""
        return FieldSamples(
            torch.empty(0, dtype=torch.int64, device=device),
            torch.empty(0, dtype=torch.float32, device=device),
        )

    def find_corners(self, cells: torch.Tensor, grid: VoxelGrid, stride: int) -> torch.Tensor:
        """Where the corners of cells stand among the samples.

        Args:
            cells: (C,) sorted keys of cells of edge length ``stride`` whose corners are known.
            grid: the grid that the keys belong to.
            stride: no sample lies between the grid points of this step.

        Returns:
            (C, 8) int64.
        """
        low = torch.searchsorted(self.keys, grid.corner_keys(cells, stride)[:, :4].t().contiguous())
        # Keys run along z: the corner above is the next sample.
        return torch.cat((low, low + 1)).t()

    def at_corners(self, cells: torch.Tensor, grid: VoxelGrid, stride: int) -> torch.Tensor:
        """Values (C, 8) at the corners of cells; see find_corners."""
        return self.values[self.find_corners(cells, grid, stride)]

    def with_points(
        self,
        field: ImplicitField,
        grid: VoxelGrid,
        keys: torch.Tensor,
        max_points_per_query: int,
        on_fraction: Callable[[float], None],
    ) -> FieldSamples:
        """These samples and those at ``keys``; the field is asked for what is not known yet.

        The field sees its points sorted by x, then y, then z.

        Args:
            field: what to sample.
            grid: the grid that the keys belong to.
            keys: int64 grid points, any shape, repeats allowed.
            max_points_per_query: upper bound of the points of one ``field.query``.
            on_fraction: called before each query with the part of this call that is done.

        Raises:
            SurfaceError: the field returns NaN, an infinity, or a wrong shape.
        """
        keys = torch.unique(keys)
        keys = keys[~contains(self.keys, keys)]
        is_border = grid.on_border(keys)
        asked = keys[~is_border]
        answers = []
        for start in range(0, len(asked), max_points_per_query):
            on_fraction(start / len(asked))
            points = grid.points(asked[start : start + max_points_per_query])
            answers.append(_query_signed(field, points))
        values = torch.full(keys.shape, -torch.inf, device=keys.device)
        if answers:
            answered = torch.cat(answers)
            _check_finite(answered, asked, grid)
            values.masked_scatter_(~is_border, answered)
        merged, order = torch.cat((self.keys, keys)).sort()
        return FieldSamples(
            merged, torch.cat((self.values, values))[order], self.queried_points + len(asked)
        )


def contains(sorted_keys: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """True where one of ``keys`` is among ``sorted_keys``."""
    if len(sorted_keys) == 0:
        return torch.zeros_like(keys, dtype=torch.bool)
    place = torch.searchsorted(sorted_keys, keys).clamp(max=len(sorted_keys) - 1)
    return sorted_keys[place] == keys


def _query_signed(field: ImplicitField, points: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        raw = field.query(points)
    if raw.shape != points.shape[:1]:
        raise SurfaceError(
            f"the field answered {len(points)} points with an array of shape {tuple(raw.shape)} "
            f"instead of ({len(points)},)"
        )
    values = raw.to(torch.float32)
    return values - field.level if field.inside_is_above else field.level - values


def _check_finite(values: torch.Tensor, keys: torch.Tensor, grid: VoxelGrid) -> None:
    bad = ~values.isfinite()
    if bad.any():
        where = ", ".join(f"{x:.3f}" for x in grid.points(keys[bad][:1])[0].tolist())
        raise SurfaceError(
            f"the field is not finite at {int(bad.sum())} of {len(keys)} points, the first at "
            f"({where}); check the network's weights and its input image for NaN"
        )
