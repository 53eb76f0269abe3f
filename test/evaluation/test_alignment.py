from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from shapes import box

from pifuhd_ros.evaluation.alignment import RigidMotion, align_icp, fit_rigid_motion
from pifuhd_ros.evaluation.samples import sample_surface


def known_motion() -> RigidMotion:
    rotation = Rotation.from_euler("xyz", [4, -7, 5], degrees=True).as_matrix()
    return RigidMotion(rotation, np.array([0.05, -0.08, 0.12]))


def test_motion_of_known_pairs() -> None:
    source = np.random.default_rng(0).normal(size=(10, 3))
    found = fit_rigid_motion(source, known_motion().apply(source))
    np.testing.assert_allclose(found.rotation, known_motion().rotation, atol=1e-12)
    np.testing.assert_allclose(found.translation, known_motion().translation, atol=1e-12)


def test_never_a_mirror_image() -> None:
    source = np.random.default_rng(0).normal(size=(20, 3))
    found = fit_rigid_motion(source, source * [1, 1, -1])
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)


def test_icp_recovers_a_rigid_motion() -> None:
    """A box with three different sides, moved; independent samples, so to their spacing only."""
    shape = box([-0.3, -0.9, -0.2], [0.3, 0.9, 0.2])
    target = sample_surface(shape, 20_000, seed=0)
    source = sample_surface(shape, 20_000, seed=1)
    motion = align_icp(known_motion().apply(source.points), target.points)
    restored = motion.apply(known_motion().apply(source.points))
    assert np.abs(restored - source.points).max() < 0.01
    np.testing.assert_allclose(motion.rotation.T, known_motion().rotation, atol=0.01)


def test_icp_leaves_an_aligned_surface_alone() -> None:
    points = sample_surface(box([-1, -1, -1], [1, 2, 1]), 500, seed=0).points
    motion = align_icp(points, points)
    np.testing.assert_allclose(motion.rotation, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(motion.translation, 0, atol=1e-12)


def test_motion_and_its_inverse() -> None:
    samples = sample_surface(box([0, 0, 0], [1, 1, 1]), 20, seed=0)
    moved = known_motion().move(samples)
    np.testing.assert_allclose(
        known_motion().apply_inverse(moved.points), samples.points, atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.norm(moved.normals, axis=1), 1.0)
    np.testing.assert_allclose(moved.normals, samples.normals @ known_motion().rotation.T)
