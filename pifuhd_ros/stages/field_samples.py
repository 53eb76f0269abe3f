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

    Points on the border of the box hold minus infinity, whatever the field says: what lies outside
    the box is outside the shape, so every surface closes within the box.
    """

    keys: torch.Tensor
    """(M,) int64, sorted: grid points."""
    values: torch.Tensor
    """(M,) float32."""
    queried_points: int = 0
    """How many of them the field was asked for."""

    @staticmethod
    def everywhere(
        field: ImplicitField,
        grid: VoxelGrid,
        stride: int,
        max_points_per_query: int,
        on_fraction: Callable[[float], None],
    ) -> FieldSamples:
        """Values at all grid points of the step ``stride``; the field is not asked for the border.

        The other arguments are those of with_points, as is what is raised.
        """
        keys = grid.point_keys(stride, field.device)
        values = torch.full(keys.shape, -torch.inf, device=field.device)
        inner = (slice(1, -1),) * 3
        asked = keys[inner].flatten()
        answers = _ask(field, grid, asked, max_points_per_query, on_fraction)
        values[inner] = answers.view(values[inner].shape)
        return FieldSamples(keys.flatten(), values.flatten(), len(asked))

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
            keys: (K,) int64 grid points, repeats allowed.
            max_points_per_query: upper bound of the points of one ``field.query``.
            on_fraction: called before each query with the part of this call that is done.

        Raises:
            SurfaceError: the field returns a wrong shape.
        """
        keys = new_keys(keys, self.keys)
        values = _ask(field, grid, keys, max_points_per_query, on_fraction)
        values.masked_fill_(grid.on_border(keys), -torch.inf)
        merged, order = torch.cat((self.keys, keys)).sort()
        return FieldSamples(
            merged, torch.cat((self.values, values))[order], self.queried_points + len(keys)
        )

    def not_finite(self, grid: VoxelGrid) -> torch.Tensor:
        """True (M,) where the field gave NaN or an infinity."""
        return ~self.values.isfinite() & ~grid.on_border(self.keys)

    def check_finite(self, grid: VoxelGrid) -> None:
        """Refuse values that no surface can be found with.

        Raises:
            SurfaceError: the field returned NaN or an infinity.
        """
        bad = self.keys[self.not_finite(grid)]
        if len(bad):
            where = ", ".join(f"{x:.3f}" for x in grid.points(bad[:1])[0].tolist())
            raise SurfaceError(
                f"the field is not finite at {len(bad)} of {self.queried_points} points, the first "
                f"at ({where}); check the network's weights and its input image for NaN"
            )


def new_keys(keys: torch.Tensor, sorted_keys: torch.Tensor) -> torch.Tensor:
    """Those of ``keys`` that are not among ``sorted_keys``: sorted, each once.

    One selection does both, for each has to wait for a GPU to say how much it leaves.
    """
    keys = keys.sort().values
    is_new = ~contains(sorted_keys, keys)
    is_new[1:] &= keys[1:] != keys[:-1]
    return keys[is_new]


def contains(sorted_keys: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """True where one of ``keys`` is among ``sorted_keys``."""
    if len(sorted_keys) == 0:
        return torch.zeros_like(keys, dtype=torch.bool)
    place = torch.searchsorted(sorted_keys, keys).clamp(max=len(sorted_keys) - 1)
    return sorted_keys[place] == keys


def _ask(
    field: ImplicitField,
    grid: VoxelGrid,
    keys: torch.Tensor,
    max_points_per_query: int,
    on_fraction: Callable[[float], None],
) -> torch.Tensor:
    """The field's values (K,) at keys (K,), relative to its level and positive inside."""
    answers = [torch.empty(0, device=keys.device)]
    for start in range(0, len(keys), max_points_per_query):
        on_fraction(start / len(keys))
        points = grid.points(keys[start : start + max_points_per_query])
        answers.append(_query_signed(field, points))
    return torch.cat(answers)


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
