from __future__ import annotations

import numpy as np
import pytest
import trimesh
from shapes import box

from pifuhd_ros.evaluation.solid import count_open_edges, mesh_occupancy
from pifuhd_ros.types import Mesh, SurfaceError


def from_trimesh(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(shape.vertices.astype(np.float32), shape.faces.astype(np.int64))


def uniform(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3))


def test_box() -> None:
    points = uniform(5000)
    low, high = np.array([-0.5, -0.2, -0.7]), np.array([0.3, 0.9, 0.1])
    expected = ((points > low) & (points < high)).all(axis=1)
    np.testing.assert_array_equal(mesh_occupancy(box(low, high), points), expected)


def test_sphere_up_to_its_facets() -> None:
    sphere = from_trimesh(trimesh.creation.icosphere(subdivisions=4, radius=0.8))
    points = uniform(20_000)
    radius = np.linalg.norm(points, axis=1)
    clear = np.abs(radius - 0.8) > 0.002
    inside = mesh_occupancy(sphere, points)
    np.testing.assert_array_equal(inside[clear], radius[clear] < 0.8)


def test_torus_has_a_hole() -> None:
    torus = from_trimesh(trimesh.creation.torus(0.6, 0.2, major_sections=200, minor_sections=100))
    points = uniform(20_000)
    tube = np.hypot(np.hypot(points[:, 0], points[:, 1]) - 0.6, points[:, 2])
    clear = np.abs(tube - 0.2) > 0.001
    np.testing.assert_array_equal(mesh_occupancy(torus, points)[clear], tube[clear] < 0.2)


def test_rays_through_edges_and_vertices_count_once() -> None:
    """Every ray of this lattice goes through a vertex, an edge or a diagonal of the box's grid."""
    cube = trimesh.creation.box([1, 1, 1]).subdivide().subdivide()
    axis = np.linspace(-0.75, 0.75, 13)
    points = np.stack(np.meshgrid(axis, axis, [-0.9, 0.1, 0.9]), axis=-1).reshape(-1, 3)
    border = np.isclose(np.abs(points[:, :2]), 0.5).any(axis=1)
    expected = (np.abs(points) < 0.5).all(axis=1)
    inside = mesh_occupancy(from_trimesh(cube), points)
    np.testing.assert_array_equal(inside[~border], expected[~border])
    assert expected.sum() > 40


def test_overlapping_solids_count_as_one_and_a_cavity_is_outside() -> None:
    first, second = box([-0.5] * 3, [0.2] * 3), box([-0.2] * 3, [0.5] * 3)
    both = Mesh(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate([first.faces, second.faces + 8]),
    )
    inner = box([-0.1] * 3, [0.1] * 3)
    hollow = Mesh(
        np.concatenate([first.vertices, inner.vertices]),
        np.concatenate([first.faces, inner.faces[:, ::-1] + 8]),
    )
    points = uniform(5000)
    inside = mesh_occupancy(first, points)
    np.testing.assert_array_equal(
        mesh_occupancy(both, points), inside | mesh_occupancy(second, points)
    )
    np.testing.assert_array_equal(
        mesh_occupancy(hollow, points), inside & ~mesh_occupancy(inner, points)
    )


def test_inside_out_is_empty_and_far_points_are_outside() -> None:
    cube = box([-1] * 3, [1] * 3)
    assert not mesh_occupancy(Mesh(cube.vertices, cube.faces[:, ::-1]), uniform(100)).any()
    assert not mesh_occupancy(cube, 50 * np.eye(3)).any()
    assert mesh_occupancy(cube, np.zeros((0, 3))).shape == (0,)


def test_volume_of_a_mesh_of_many_faces() -> None:
    sphere = from_trimesh(trimesh.creation.icosphere(subdivisions=6, radius=0.9))
    inside = mesh_occupancy(sphere, uniform(100_000))
    assert inside.mean() == pytest.approx(4 / 3 * np.pi * 0.9**3 / 8, abs=0.01)


def test_open_empty_and_broken_meshes_are_refused() -> None:
    cube = box([0, 0, 0], [1, 1, 1])
    assert count_open_edges(cube) == 0
    lidless = Mesh(cube.vertices, cube.faces[2:])
    assert count_open_edges(lidless) == 4
    point = np.zeros((1, 3))
    with pytest.raises(SurfaceError, match="4 open edges"):
        mesh_occupancy(lidless, point)
    with pytest.raises(SurfaceError, match="no faces"):
        mesh_occupancy(Mesh(cube.vertices, cube.faces[:0]), point)
    with pytest.raises(SurfaceError, match="not finite"):
        mesh_occupancy(Mesh(cube.vertices * np.nan, cube.faces), point)
