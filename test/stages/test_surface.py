from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from analytic_shapes import (
    Distance,
    OccupancyField,
    SignedDistanceField,
    assert_closed,
    capsules,
    euler_characteristic,
    person,
    signed_volume,
    slab,
    sphere,
    torus,
    union,
)
from torch.utils._python_dispatch import TorchDispatchMode

from pifuhd_ros.geometry.grid import VoxelGrid
from pifuhd_ros.stages.marching_cubes import marching_cubes
from pifuhd_ros.stages.surface import coarse_resolution_of, extract_surface, half_logits
from pifuhd_ros.types import CaptureCancelled, ImplicitField, Mesh, SurfaceError

CELL_64 = 2.0 / 64


def extract_densely(field: ImplicitField, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """What the search must find, from all points of the grid."""
    grid = VoxelGrid(resolution)
    keys = torch.arange(grid.points_per_axis**3)
    values = field.query(grid.points(keys)) - field.level
    values = values if field.inside_is_above else -values
    values[grid.on_border(keys)] = -torch.inf
    inside = (values > 0).reshape([grid.points_per_axis] * 3)
    count = sum(
        inside[x : x + resolution, y : y + resolution, z : z + resolution].int()
        for x in (0, 1)
        for y in (0, 1)
        for z in (0, 1)
    )
    cells = grid.cells(1, field.device)[((count > 0) & (count < 8)).flatten()]
    if isinstance(field, OccupancyField):
        values = half_logits(values)
    vertices, faces = marching_cubes(cells, values[grid.corner_keys(cells, 1)], grid)
    return vertices.numpy(), faces.numpy()


FINGERS = union(
    sphere(0.3, (0.0, -0.4, 0.0)),
    capsules(
        [([x, -0.2, 0.0], [1.5 * x, 0.6, 0.03], 0.02) for x in (-0.12, -0.04, 0.04, 0.12)],
    ),
)
SHAPES = {
    "sphere": sphere(),
    "torus": torus(),
    "thin sheet": slab((0.5, 0.4, 0.017), (0.013, 0.0, 0.016)),
    "sheet in the middle of the coarse cells": slab((0.4, 0.4, 0.017), (0.0, 0.0, 0.03125)),
    "fingers": FINGERS,
    "separate parts": union(
        sphere(0.3, (-0.5, 0.4, 0.0)),
        sphere(0.05, (0.53, -0.47, 0.3)),
        sphere(0.04, (0.7, 0.7, -0.7)),
    ),
    "a wire": capsules([([-0.9, -0.8, -0.7], [0.9, 0.7, 0.8], 0.016)]),
    "hollow": lambda points: torch.maximum(sphere(0.7)(points), -sphere(0.4)(points)),
    "cut by the box": sphere(0.5, (0.9, 0.9, 0.9)),
}


class TestAgainstTheFullGrid:
    @pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
    @pytest.mark.parametrize("kind", [SignedDistanceField, OccupancyField])
    def test_same_mesh(
        self, shape: Distance, kind: type[SignedDistanceField] | type[OccupancyField]
    ) -> None:
        resolution = 128
        extraction = extract_surface(kind(shape), resolution)
        vertices, faces = extract_densely(kind(shape), resolution)
        np.testing.assert_array_equal(extraction.mesh.vertices, vertices)
        np.testing.assert_array_equal(extraction.mesh.faces, faces)
        assert_closed(vertices, faces)


class TestHalfLogits:
    def test_are_half_the_logits_and_keep_signs_and_infinities(self) -> None:
        values = torch.tensor([-0.5, -0.25, -1e-30, 0.0, 1e-30, 0.4, 0.5, -torch.inf])
        result = half_logits(values)
        assert torch.equal(result.sign(), values.sign())
        assert result[:-1].isfinite().all()
        assert result[-1] == -torch.inf
        expected = torch.logit(values[[1, 5]] + 0.5) / 2
        torch.testing.assert_close(result[[1, 5]], expected)

    def test_an_occupancy_has_the_surface_of_its_distance(self) -> None:
        expected = extract_surface(SignedDistanceField(torus()), 64).mesh
        found = extract_surface(OccupancyField(torus()), 64).mesh
        np.testing.assert_array_equal(found.faces, expected.faces)
        np.testing.assert_allclose(found.vertices, expected.vertices, atol=1e-3 * CELL_64)


class TestSphere:
    @pytest.mark.parametrize("kind", [SignedDistanceField, OccupancyField])
    def test_error_is_far_below_a_cell(
        self, kind: type[SignedDistanceField] | type[OccupancyField]
    ) -> None:
        shape = sphere()
        mesh = extract_surface(kind(shape), 64).mesh
        error = shape(torch.from_numpy(mesh.vertices)).abs()
        assert error.max() < 0.1 * CELL_64
        assert error.mean() < 0.01 * CELL_64

    @pytest.mark.parametrize("kind", [SignedDistanceField, OccupancyField])
    def test_faces_look_outward(
        self, kind: type[SignedDistanceField] | type[OccupancyField]
    ) -> None:
        mesh = extract_surface(kind(sphere(0.6)), 64).mesh
        expected = 4 / 3 * math.pi * 0.6**3
        assert signed_volume(mesh.vertices, mesh.faces) == pytest.approx(expected, rel=5e-3)

    @pytest.mark.parametrize("kind", [SignedDistanceField, OccupancyField])
    @pytest.mark.parametrize("normals_from_field", [False, True])
    def test_normals_point_outward(
        self,
        kind: type[SignedDistanceField] | type[OccupancyField],
        normals_from_field: bool,
    ) -> None:
        center = (0.05, -0.1, 0.02)
        mesh = extract_surface(
            kind(sphere(0.6, center)), 64, normals_from_field=normals_from_field
        ).mesh
        assert mesh.normals is not None
        expected = mesh.vertices - np.asarray(center)
        expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
        angle_deg = np.rad2deg(np.arccos(np.clip((mesh.normals * expected).sum(axis=-1), -1, 1)))
        assert angle_deg.max() < (1.0 if normals_from_field else 10.0)
        assert angle_deg.mean() < (0.6 if normals_from_field else 2.0)

    def test_error_falls_with_the_resolution(self) -> None:
        shape = sphere()
        errors = [
            shape(torch.from_numpy(extract_surface(SignedDistanceField(shape), r).mesh.vertices))
            .abs()
            .mean()
            for r in (32, 64, 128)
        ]
        assert errors[2] < 0.4 * errors[1] < 0.2 * errors[0]


@pytest.mark.parametrize(("shape", "expected"), [(sphere(), 2), (torus(), 0)])
def test_euler_characteristic(shape: Distance, expected: int) -> None:
    mesh = extract_surface(SignedDistanceField(shape), 64).mesh
    assert euler_characteristic(mesh.vertices, mesh.faces) == expected


class TestCost:
    @pytest.mark.parametrize("kind", [SignedDistanceField, OccupancyField])
    def test_few_points_are_visited_on_a_person_at_256(
        self, kind: type[SignedDistanceField] | type[OccupancyField]
    ) -> None:
        extraction = extract_surface(kind(person()), 256)
        assert extraction.grid_points == 257**3
        assert extraction.visited_fraction < 0.02
        vertices, faces = extraction.mesh.vertices, extraction.mesh.faces
        assert euler_characteristic(vertices, faces) == 2  # the thin fingers hang together
        fingertip_y = vertices[vertices[:, 0] > 0.45, 1].min()
        assert fingertip_y == pytest.approx(-0.137, abs=2.0 / 256)

    def test_the_count_is_what_the_field_was_asked_for_in_bounded_queries(self) -> None:
        field = SignedDistanceField(sphere())
        extraction = extract_surface(field, 64, max_points_per_query=1000)
        assert sum(field.query_sizes) == extraction.visited_points
        assert max(field.query_sizes) == 1000

    def test_no_point_is_asked_for_twice_and_columns_come_in_order(self) -> None:
        seen: list[torch.Tensor] = []
        shape = sphere()

        def noting(points: torch.Tensor) -> torch.Tensor:
            seen.append(points)
            return shape(points)

        extract_surface(SignedDistanceField(noting), 128)
        grid = VoxelGrid(128)
        keys = [
            ((points + 1) * 64).round().long() @ torch.tensor([grid.step(1, 0, 0), 129, 1])
            for points in seen
        ]
        assert all((key.diff() > 0).all() for key in keys)
        everything = torch.cat(keys)
        assert len(torch.unique(everything)) == len(everything)


class TestTheSameEveryTime:
    def test_twice(self) -> None:
        first, second = (extract_surface(OccupancyField(person()), 128).mesh for _ in range(2))
        assert mesh_bytes(first) == mesh_bytes(second)

    def test_in_any_query_size(self) -> None:
        first, second = (
            extract_surface(SignedDistanceField(torus()), 64, max_points_per_query=size).mesh
            for size in (777, 100_000)
        )
        assert mesh_bytes(first) == mesh_bytes(second)


def mesh_bytes(mesh: Mesh) -> tuple[bytes, ...]:
    assert mesh.normals is not None
    return mesh.vertices.tobytes(), mesh.faces.tobytes(), mesh.normals.tobytes()


class TestProgress:
    def test_runs_from_start_to_one_without_going_back(self) -> None:
        seen: list[tuple[str, float]] = []
        extract_surface(
            SignedDistanceField(person()),
            128,
            max_points_per_query=5000,
            on_progress=lambda stage, fraction: seen.append((stage, fraction)),
        )
        assert {stage for stage, _ in seen} == {"surface"}
        fractions = [fraction for _, fraction in seen]
        assert len(fractions) > 10
        assert fractions == sorted(fractions)
        assert fractions[0] == 0.0
        assert fractions[-1] == 1.0

    @pytest.mark.parametrize("after", [0.0, 0.5])
    def test_an_exception_from_it_passes_through(self, after: float) -> None:
        field = SignedDistanceField(sphere())

        def cancel(_: str, fraction: float) -> None:
            if fraction >= after:
                raise CaptureCancelled("enough")

        with pytest.raises(CaptureCancelled, match="enough"):
            extract_surface(field, 128, on_progress=cancel)
        assert (len(field.query_sizes) == 0) == (after == 0.0)


class TestErrors:
    def test_empty(self) -> None:
        with pytest.raises(SurfaceError, match=r"empty.*values -\S+ to -?\S+, level 0\.5"):
            extract_surface(constant(-3.0, level=0.5), 64)

    def test_full(self) -> None:
        with pytest.raises(SurfaceError, match="full"):
            extract_surface(constant(1.0, level=0.5), 64)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_not_finite(self, value: float) -> None:
        shape = sphere()

        def damaged(points: torch.Tensor) -> torch.Tensor:
            return torch.where(points[:, 0] > 0.7, value, shape(points))

        with pytest.raises(SurfaceError, match=r"not finite at \d+ of \d+ points.*\(0\.7"):
            extract_surface(SignedDistanceField(damaged), 64)

    def test_not_finite_only_between_the_points_of_the_first_grid(self) -> None:
        shape = sphere()

        def damaged(points: torch.Tensor) -> torch.Tensor:
            is_between = (points[:, 0] + 1) * 32 % 2 == 1
            return torch.where(is_between, math.nan, shape(points))

        with pytest.raises(SurfaceError, match=r"not finite at \d+ of \d+ points"):
            extract_surface(SignedDistanceField(damaged), 64)

    def test_not_finite_on_the_border_is_of_no_account(self) -> None:
        ball = sphere(0.99)

        def damaged(points: torch.Tensor) -> torch.Tensor:
            return torch.where((points.abs() == 1).any(1), math.nan, ball(points))

        whole, cut = (extract_surface(SignedDistanceField(f), 128).mesh for f in (ball, damaged))
        assert mesh_bytes(whole) == mesh_bytes(cut)

    def test_wrong_shape(self) -> None:
        with pytest.raises(SurfaceError, match="shape"):
            extract_surface(SignedDistanceField(lambda points: points[:, :1]), 64)

    @pytest.mark.parametrize("resolution", [0, -256, 31, 1025, 2048])
    def test_resolution_out_of_range(self, resolution: int) -> None:
        with pytest.raises(SurfaceError, match="32 to 1024"):
            extract_surface(SignedDistanceField(sphere()), resolution)

    @pytest.mark.parametrize(("resolution", "proposed"), [(250, 248), (1023, 1024), (65, 64)])
    def test_resolution_that_cannot_be_halved(self, resolution: int, proposed: int) -> None:
        with pytest.raises(SurfaceError, match=f"choose {proposed}"):
            extract_surface(SignedDistanceField(sphere()), resolution)
        assert coarse_resolution_of(proposed) <= 64

    @pytest.mark.parametrize(
        ("resolution", "coarse"), [(32, 32), (63, 63), (96, 48), (256, 32), (320, 40), (1024, 32)]
    )
    def test_coarse_resolution(self, resolution: int, coarse: int) -> None:
        assert coarse_resolution_of(resolution) == coarse

    @pytest.mark.parametrize("resolution", [40, 96])
    def test_resolutions_other_than_powers_of_two_work(self, resolution: int) -> None:
        mesh = extract_surface(SignedDistanceField(sphere()), resolution).mesh
        assert_closed(mesh.vertices, mesh.faces)


class CountSelections(TorchDispatchMode):
    """Counts what a GPU has to be waited for: how much a selection leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        by_truth = name == "aten::index" and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        if by_truth or name in ("aten::nonzero", "aten::_unique2", "aten::_local_scalar_dense"):
            self.count += 1
        return func(*args, **(kwargs or {}))


def test_few_selections_are_waited_for() -> None:
    """Five on each size of cells, four for each time the surface leaves them, three at the end."""
    with CountSelections() as selections:
        extract_surface(SignedDistanceField(person()), 256)
    assert selections.count <= 3 * 5 + 2 * 4 + 3


def constant(value: float, level: float) -> SignedDistanceField:
    return SignedDistanceField(
        lambda points: torch.full((len(points),), value), level=level, inside_is_above=True
    )


def test_what_reaches_the_box_is_cut_at_its_side() -> None:
    bar = capsules([([-2.0, 0.1, 0.0], [2.0, 0.1, 0.0], 0.3)])
    mesh = extract_surface(SignedDistanceField(bar), 64).mesh
    assert_closed(mesh.vertices, mesh.faces)
    assert np.abs(mesh.vertices[:, 0]).max() == pytest.approx(1.0 - CELL_64 / 2)


def test_runs_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    device = torch.device("cuda")
    center = torch.tensor([0.05, -0.1, 0.02], device=device)
    field = SignedDistanceField(lambda points: (points - center).norm(dim=-1) - 0.6, device=device)
    on_gpu = extract_surface(field, 128).mesh
    on_cpu = extract_surface(SignedDistanceField(sphere()), 128).mesh
    np.testing.assert_array_equal(on_gpu.faces, on_cpu.faces)
    np.testing.assert_allclose(on_gpu.vertices, on_cpu.vertices, atol=1e-5)
