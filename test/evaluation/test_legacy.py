from __future__ import annotations

import numpy as np
import pytest
import trimesh
from shapes import box

from pifuhd_ros.evaluation.legacy import LEGACY_FRAME_CM, LEGACY_PX, LegacyTruth, legacy_scores
from pifuhd_ros.evaluation.point_to_mesh import distances_to_mesh
from pifuhd_ros.types import Mesh, SurfaceError


def sphere(radius: float) -> Mesh:
    shape = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    return Mesh(shape.vertices.astype(np.float32), shape.faces.astype(np.int64))


def test_distance_to_a_box_is_exact() -> None:
    """Over faces, edges and corners, outside and inside; large triangles are split."""
    points = np.random.default_rng(0).uniform(-2, 2, (3000, 3))
    offset = np.abs(points) - 1
    outside = np.linalg.norm(offset.clip(min=0), axis=1)
    expected = np.where(outside > 0, outside, -offset.max(axis=1))
    found = distances_to_mesh(points, box([-1, -1, -1], [1, 1, 1]))
    assert (found >= expected - 1e-6).all()
    np.testing.assert_allclose(found, expected, atol=2e-3)
    np.testing.assert_allclose(np.median(found - expected), 0, atol=1e-6)


def test_distance_to_a_sphere_does_not_depend_on_samples() -> None:
    directions = np.random.default_rng(1).normal(size=(2000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = distances_to_mesh(0.7 * directions, sphere(0.5))
    np.testing.assert_allclose(found, 0.2, atol=1e-3)


def test_distance_to_triangles_without_area() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0]], np.float32)
    segment = Mesh(vertices, np.array([[0, 1, 2]]))
    points = np.array([[0.5, 3.0, 4.0], [2.0, 0, 0]])
    np.testing.assert_allclose(distances_to_mesh(points, segment), [5, 1])
    with pytest.raises(SurfaceError, match="no faces"):
        distances_to_mesh(points, Mesh(vertices, np.zeros((0, 3), np.int64)))


def test_concentric_spheres() -> None:
    """No floor of half the samples' spacing: the distance is to the mesh itself."""
    scores = legacy_scores(sphere(0.6), LegacyTruth.of(sphere(0.5), 1.0), samples=2000)
    assert scores.pred_to_gt_cm == pytest.approx(10.0, abs=0.03)
    assert scores.chamfer_cm == pytest.approx(10.0, abs=0.03)
    same = legacy_scores(sphere(0.5), LegacyTruth.of(sphere(0.5), 1.0), samples=2000)
    assert same.chamfer_cm == pytest.approx(0.0, abs=1e-3)
    assert same.normal_l2 == 0.0


def test_prediction_to_truth_is_no_symmetric_figure() -> None:
    """The prediction lacks one of two far boxes: nothing is invented, much is missed."""
    first, second = box([0, 0, 0], [0.1, 1, 0.1]), box([0.6, 0, 0], [0.7, 1, 0.1])
    both = Mesh(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate([first.faces, second.faces + 8]),
    )
    scores = legacy_scores(first, LegacyTruth.of(both, 1.0), samples=1000)
    assert scores.pred_to_gt_cm == pytest.approx(0.0, abs=1e-3)
    assert 10 < scores.chamfer_cm < 20


def flat_box(low: list[float], high: list[float]) -> Mesh:
    """With sharp edges: a vertex belongs to one face."""
    mesh = box(low, high)
    return Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(36).reshape(12, 3))


def test_normal_error_of_silhouettes_that_differ() -> None:
    """A cube of side a in one of two pictures: its pixels differ from white by (-1, -1, 0)."""
    truth = flat_box([-0.25, 0, -0.25], [0.25, 0.5, 0.25])
    small = flat_box([-0.25, 0, -0.25], [0.25, 0.25, 0.25])
    pixel_cm = LEGACY_FRAME_CM / (LEGACY_PX - 1)
    share = (50 / pixel_cm) * (25 / pixel_cm) / LEGACY_PX**2
    scores = legacy_scores(small, LegacyTruth.of(truth, 1.0), samples=100)
    assert scores.normal_l2 == pytest.approx(2 * share, rel=0.03)


def test_normal_error_of_one_side_out_of_four() -> None:
    """The front of a cube is folded inward by 45 degrees; the other views see no difference."""
    truth = flat_box([-0.25, 0, -0.25], [0.25, 0.5, 0.25])
    is_front = (truth.vertices[truth.faces][..., 2] == 0.25).all(axis=1)
    fold = [[-0.25, 0, 0.25], [0, 0, 0], [0, 0.5, 0], [-0.25, 0.5, 0.25]]
    fold += [[0, 0, 0], [0.25, 0, 0.25], [0.25, 0.5, 0.25], [0, 0.5, 0]]
    quads = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]) + len(truth.vertices)
    folded = Mesh(
        np.concatenate([truth.vertices, np.array(fold, np.float32)]),
        np.concatenate([truth.faces[~is_front], quads]),
    )
    side_px = 50 / LEGACY_FRAME_CM * (LEGACY_PX - 1)
    difference = 2 - 2 * np.cos(np.pi / 4)
    scores = legacy_scores(folded, LegacyTruth.of(truth, 1.0), samples=100)
    expected = difference * side_px**2 / LEGACY_PX**2 / 4
    assert scores.normal_l2 == pytest.approx(expected, rel=0.03)
