"""The voxel grid of the model box, its points addressed by one integer each."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class VoxelGrid:
    """The points -1 + 2 i / resolution, i = 0 … resolution, on each axis of the model box.

    A point has the key (ix * n + iy) * n + iz with n = resolution + 1. So a step along an axis is
    a constant added to the key, and sorted keys run column by column along z, the axis along which
    an orthographic camera sees the same pixel. A cell is named by the key of its lowest corner.
    """

    resolution: int
    """Cells along each axis."""

    @property
    def points_per_axis(self) -> int:
        """Grid points along each axis."""
        return self.resolution + 1

    @property
    def cell_size(self) -> float:
        """Edge length of a cell, in model units."""
        return 2.0 / self.resolution

    def step(self, ix: int, iy: int, iz: int) -> int:
        """What moving by (ix, iy, iz) points adds to a key."""
        n = self.points_per_axis
        return (ix * n + iy) * n + iz

    def corner_steps(self, stride: int, device: torch.device) -> torch.Tensor:
        """Steps (8,) from a cell's key to its corners; corner c lies at bits (x, y, z) of c.

        Args:
            stride: edge length of the cell, in grid points.
            device: of the result.
        """
        # Counted on the device: a list from the host would have to wait for it.
        corner = torch.arange(8, device=device)
        n = self.points_per_axis
        return (((corner % 2) * n + corner // 2 % 2) * n + corner // 4) * stride

    def corner_keys(self, cells: torch.Tensor, stride: int) -> torch.Tensor:
        """Keys (M, 8) of the corners of cells (M,) of edge length ``stride``."""
        return cells[:, None] + self.corner_steps(stride, cells.device)

    def cells(self, stride: int, device: torch.device) -> torch.Tensor:
        """Sorted keys (M,) of all cells of edge length ``stride``, which divides the resolution."""
        return self.point_keys(stride, device)[:-1, :-1, :-1].flatten()

    def point_keys(self, stride: int, device: torch.device) -> torch.Tensor:
        """Keys (m, m, m) of all points of the step ``stride``, which divides the resolution."""
        axis = torch.arange(0, self.points_per_axis, stride, dtype=torch.int64, device=device)
        n = self.points_per_axis
        return ((axis[:, None] * n + axis)[..., None] * n) + axis

    def indices(self, keys: torch.Tensor) -> torch.Tensor:
        """Grid indices (N, 3) int64 of keys (N,)."""
        n = self.points_per_axis
        columns = keys.div(n, rounding_mode="floor")
        return torch.stack((columns.div(n, rounding_mode="floor"), columns % n, keys % n), dim=-1)

    def points(self, keys: torch.Tensor) -> torch.Tensor:
        """Points (N, 3) float32 in model space of keys (N,)."""
        return self.indices(keys).to(torch.float32) * self.cell_size - 1.0

    def on_border(self, keys: torch.Tensor) -> torch.Tensor:
        """True (N,) where a point lies on one of the six sides of the box."""
        indices = self.indices(keys)
        return ((indices == 0) | (indices == self.resolution)).any(dim=-1)
