from __future__ import annotations

import pytest
import torch
from analytic_shapes import assert_closed, euler_characteristic, signed_volume

from pifuhd_ros.geometry.grid import VoxelGrid
from pifuhd_ros.stages.marching_cubes import NEAREST_TO_CORNER, marching_cubes
from pifuhd_ros.stages.marching_cubes_table import EDGES, SIDES, triangle_table, triangulate_case

CPU = torch.device("cpu")


def triangulate(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Marching cubes over all cells of a dense grid of values (n, n, n)."""
    grid = VoxelGrid(values.shape[0] - 1)
    cells = grid.cells(1, CPU)
    return marching_cubes(cells, values.flatten()[grid.corner_keys(cells, 1)], grid)


def with_outside_border(values: torch.Tensor) -> torch.Tensor:
    border = torch.full([n + 2 for n in values.shape], -1.0)
    border[1:-1, 1:-1, 1:-1] = values
    return border


def sides_of_edge(edge: int) -> set[int]:
    corner, axis = EDGES[edge]
    return {i for i, side in enumerate(SIDES) if {corner, corner + 2**axis} <= set(side)}


class TestTable:
    def test_every_crossed_edge_is_used_and_no_other(self) -> None:
        for case in range(256):
            crossed = {
                i
                for i, (corner, axis) in enumerate(EDGES)
                if (case >> corner & 1) != (case >> corner + 2**axis & 1)
            }
            used = {edge for triangle in triangulate_case(case) for edge in triangle}
            assert used == crossed

    def test_number_of_triangles(self) -> None:
        counts = (triangle_table()[..., 0] >= 0).sum(dim=-1)
        assert counts[0] == counts[255] == 0
        assert counts[0b00000001] == 1  # one corner
        assert counts[0b00001111] == 2  # a plane
        assert counts[0b01101001] == 4  # four corners, no two of them neighbours
        assert counts.max() == 5

    def test_no_inner_edge_lies_in_a_side_of_the_cell(self) -> None:
        # Regression guard: the neighbour could draw the same edge, and it would get four faces.
        for case in range(256):
            directed = [
                (triangle[i - 1], triangle[i])
                for triangle in triangulate_case(case)
                for i in range(3)
            ]
            inner = [edge for edge in directed if edge[::-1] in directed]
            assert all(not sides_of_edge(a) & sides_of_edge(b) for a, b in inner)


class TestMarchingCubes:
    def test_one_inside_point_gives_an_octahedron(self) -> None:
        values = torch.full((3, 3, 3), -1.0)
        values[1, 1, 1] = 3.0
        vertices, faces = triangulate(values)
        assert len(faces) == 8
        torch.testing.assert_close(vertices[vertices[:, 0] > 0.1], torch.tensor([[0.75, 0.0, 0.0]]))
        assert signed_volume(vertices.numpy(), faces.numpy()) == pytest.approx(4 / 3 * 0.75**3)

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("share_inside", [0.15, 0.5, 0.85])
    def test_random_values_give_a_closed_surface(self, seed: int, share_inside: float) -> None:
        generator = torch.Generator().manual_seed(seed)
        values = torch.rand((15, 15, 15), generator=generator) - (1.0 - share_inside)
        vertices, faces = triangulate(with_outside_border(values))
        assert len(faces) > 1000
        assert_closed(vertices.numpy(), faces.numpy())
        assert signed_volume(vertices.numpy(), faces.numpy()) > 0

    def test_all_cases_are_met_by_the_random_values(self) -> None:
        values = torch.rand((15, 15, 15), generator=torch.Generator().manual_seed(0)) - 0.5
        grid = VoxelGrid(14)
        corners = values.flatten()[grid.corner_keys(grid.cells(1, CPU), 1)] > 0
        assert len(torch.unique((corners * 2 ** torch.arange(8)).sum(dim=-1))) == 256

    def test_every_vertex_is_the_middle_of_one_fan(self) -> None:
        values = torch.rand((9, 9, 9), generator=torch.Generator().manual_seed(3)) - 0.5
        vertices, faces = triangulate(with_outside_border(values))
        successor: list[dict[int, int]] = [{} for _ in vertices]
        for a, b, c in faces.tolist():
            for apex, first, second in ((a, b, c), (b, c, a), (c, a, b)):
                successor[apex][first] = second
        for fan in successor:
            start = next(iter(fan))
            at, length = fan[start], 1
            while at != start:
                at, length = fan[at], length + 1
            assert length == len(fan)

    def test_values_on_the_level_leave_no_triangle_without_area(self) -> None:
        axis = torch.arange(-4.0, 5.0)
        x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
        values = 2.0 - (x.abs() + y.abs() + z.abs())  # zero at many grid points
        vertices, faces = triangulate(values)
        a, b, c = vertices[faces].unbind(dim=1)
        area = torch.linalg.cross(b - a, c - a).norm(dim=-1) / 2
        cell = 2.0 / 8
        assert area.min() > 0.1 * (NEAREST_TO_CORNER * cell) ** 2
        assert_closed(vertices.numpy(), faces.numpy())
        assert euler_characteristic(vertices.numpy(), faces.numpy()) == 2

    def test_unknown_outside_halves_the_edge(self) -> None:
        values = torch.full((3, 3, 3), -torch.inf)
        values[1, 1, 1] = 0.2
        vertices, _ = triangulate(values)
        torch.testing.assert_close(vertices.abs().amax(dim=-1), torch.full((6,), 0.5))

    def test_result_does_not_depend_on_which_cells_without_surface_are_given(self) -> None:
        values = with_outside_border(torch.rand((6, 6, 6), generator=torch.Generator()) - 0.5)
        grid = VoxelGrid(7)
        cells = grid.cells(1, CPU)
        corner_values = values.flatten()[grid.corner_keys(cells, 1)]
        inside = corner_values > 0
        crossed = inside.any(dim=-1) & ~inside.all(dim=-1)
        sparse = marching_cubes(cells[crossed], corner_values[crossed], grid)
        for got, expected in zip(sparse, marching_cubes(cells, corner_values, grid), strict=True):
            assert torch.equal(got, expected)

    def test_no_cells_give_an_empty_mesh(self) -> None:
        vertices, faces = marching_cubes(
            torch.empty(0, dtype=torch.int64), torch.empty((0, 8)), VoxelGrid(4)
        )
        assert vertices.shape == (0, 3)
        assert faces.shape == (0, 3)
