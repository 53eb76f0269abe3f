from __future__ import annotations

import torch

from pifuhd_ros.geometry.grid import VoxelGrid

CPU = torch.device("cpu")


def test_points_span_the_box_with_z_running_fastest() -> None:
    grid = VoxelGrid(4)
    points = grid.points(torch.arange(5**3))
    torch.testing.assert_close(points[0], torch.tensor([-1.0, -1.0, -1.0]))
    torch.testing.assert_close(points[1], torch.tensor([-1.0, -1.0, -0.5]))
    torch.testing.assert_close(points[5], torch.tensor([-1.0, -0.5, -1.0]))
    torch.testing.assert_close(points[-1], torch.tensor([1.0, 1.0, 1.0]))


def test_a_step_moves_a_key() -> None:
    grid = VoxelGrid(6)
    key = torch.tensor([grid.step(2, 3, 4)])
    assert grid.indices(key).tolist() == [[2, 3, 4]]
    assert grid.indices(key + grid.step(1, -2, 2)).tolist() == [[3, 1, 6]]


def test_cells_and_their_corners() -> None:
    grid = VoxelGrid(6)
    cells = grid.cells(3, CPU)
    assert grid.indices(cells).tolist() == [
        [x, y, z] for x in (0, 3) for y in (0, 3) for z in (0, 3)
    ]
    assert grid.indices(grid.corner_keys(cells, 3)[-1]).tolist() == [
        [3 + 3 * (c & 1), 3 + 3 * (c >> 1 & 1), 3 + 3 * (c >> 2)] for c in range(8)
    ]


def test_border() -> None:
    grid = VoxelGrid(3)
    is_border = grid.on_border(torch.arange(4**3)).reshape(4, 4, 4)
    assert not is_border[1:3, 1:3, 1:3].any()
    assert is_border.sum() == 4**3 - 2**3
