from __future__ import annotations

import numpy as np
import pytest

from pifuhd_ros.evaluation.samples import SurfaceSamples, sample_surface
from pifuhd_ros.types import Mesh, SurfaceError


def two_triangles() -> Mesh:
    """In the plane z = 0, facing +z: one of area 3 at x < 0 and one of area 1 at x > 0."""
    vertices = [[0, 0, 0], [0, 2, 0], [-3, 0, 0], [0, 0, 0], [1, 0, 0], [0, 2, 0]]
    return Mesh(np.array(vertices, np.float32), np.array([[0, 1, 2], [3, 4, 5]]))


def test_samples_follow_the_area_and_the_orientation() -> None:
    samples = sample_surface(two_triangles(), 4000, seed=1)
    assert samples.points.shape == samples.normals.shape == (4000, 3)
    assert samples.points.dtype == np.float64
    assert (samples.points[:, 0] < 0).mean() == pytest.approx(0.75, abs=1e-3)
    np.testing.assert_allclose(samples.normals, np.tile([0.0, 0.0, 1.0], (4000, 1)))
    # Evenly within a triangle: its centroid.
    left = samples.points[samples.points[:, 0] < 0]
    np.testing.assert_allclose(left.mean(axis=0), [-1, 2 / 3, 0], atol=0.05)


def test_same_seed_same_points() -> None:
    first, again, other = (sample_surface(two_triangles(), 50, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)


def test_faces_without_area_are_never_chosen() -> None:
    mesh = two_triangles()
    faces = np.concatenate([[[0, 0, 1]], mesh.faces, [[2, 2, 2]]])
    samples = sample_surface(Mesh(mesh.vertices, faces), 1000, seed=0)
    np.testing.assert_allclose(np.linalg.norm(samples.normals, axis=1), 1.0)


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        (Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)), "no faces"),
        (Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]])), "zero area"),
        (Mesh(np.full((3, 3), np.nan, np.float32), np.array([[0, 1, 2]])), "not finite"),
    ],
)
def test_meshes_without_a_surface(mesh: Mesh, message: str) -> None:
    with pytest.raises(SurfaceError, match=message):
        sample_surface(mesh, 10, seed=0)


def test_counts_and_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sample_surface(two_triangles(), 0, seed=0)
    with pytest.raises(SurfaceError, match="at least one point"):
        SurfaceSamples(np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(SurfaceError, match="normals"):
        SurfaceSamples(np.zeros((2, 3)), np.zeros((3, 3)))
