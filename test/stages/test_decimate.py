from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from analytic_shapes import SignedDistanceField, person, sphere
from scipy.spatial import cKDTree

from pifuhd_ros.stages.decimate import decimate_mesh
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import Mesh


@pytest.fixture(scope="module")
def ball() -> Mesh:
    mesh = extract_surface(SignedDistanceField(sphere(0.6, (0, 0, 0))), 64).mesh
    red = mesh.vertices[:, :1] > 0
    return replace(
        mesh,
        colors=np.where(red, (200, 30, 30), (30, 30, 200)).astype(np.uint8),
        seen=mesh.vertices[:, 2] > 0,
        shows="shaded",
        color_sources=np.where(mesh.vertices[:, 2] > 0, 1, 2).astype(np.uint8),
        other_colors={"albedo": np.full(mesh.vertices.shape, 90, np.uint8)},
    )


@pytest.mark.parametrize("target", [40, 300, 2000])
def test_few_enough_faces_and_not_many_fewer(ball: Mesh, target: int) -> None:
    coarse = decimate_mesh(ball, target)
    assert 0.4 * target <= len(coarse.faces) <= target
    assert coarse.faces.dtype == np.int64
    assert coarse.faces.max() == len(coarse.vertices) - 1


def test_the_shape_is_kept(ball: Mesh) -> None:
    coarse = decimate_mesh(ball, 2000)
    assert sphere(0.6, (0, 0, 0))(torch.from_numpy(coarse.vertices)).abs().max() < 0.02
    a, b, c = coarse.vertices[coarse.faces].transpose(1, 0, 2)
    outward = (np.cross(b - a, c - a) * (a + b + c)).sum(axis=-1)
    assert (outward > 0).mean() > 0.97


def test_colours_normals_and_seen_stay_with_their_places(ball: Mesh) -> None:
    coarse = decimate_mesh(ball, 2000)
    assert coarse.colors is not None
    assert coarse.seen is not None
    assert coarse.normals is not None
    x, z = coarse.vertices[:, 0], coarse.vertices[:, 2]
    assert (coarse.colors[x > 0.06] == (200, 30, 30)).all()
    assert (coarse.colors[x < -0.06] == (30, 30, 200)).all()
    assert coarse.seen[z > 0.06].all()
    assert not coarse.seen[z < -0.06].any()
    assert coarse.color_sources is not None
    assert (coarse.color_sources[z > 0.06] == 1).all()
    assert (coarse.color_sources[z < -0.06] == 2).all()
    assert coarse.shows == "shaded"
    assert (coarse.other_colors["albedo"] == 90).all()
    np.testing.assert_allclose(np.linalg.norm(coarse.normals, axis=-1), 1, atol=1e-5)
    assert (coarse.normals * coarse.vertices).sum(axis=-1).min() > 0.57


def test_thin_fingers_survive() -> None:
    mesh = extract_surface(SignedDistanceField(person()), 256).mesh
    coarse = decimate_mesh(mesh, len(mesh.faces) // 4)
    distance, _ = cKDTree(coarse.vertices).query(mesh.vertices)
    assert distance.max() < 5 * 2 / 256


def test_a_small_mesh_is_returned_as_it_is(ball: Mesh) -> None:
    assert decimate_mesh(ball, len(ball.faces)) is ball


def test_twice_gives_the_same(ball: Mesh) -> None:
    first, second = decimate_mesh(ball, 500), decimate_mesh(ball, 500)
    assert first.vertices.tobytes() == second.vertices.tobytes()
    assert first.faces.tobytes() == second.faces.tobytes()


def test_without_normals_colours_and_seen(ball: Mesh) -> None:
    coarse = decimate_mesh(Mesh(ball.vertices, ball.faces), 500)
    assert (coarse.normals, coarse.colors, coarse.seen) == (None, None, None)


def test_too_small_a_target() -> None:
    with pytest.raises(ValueError, match="at least 40"):
        decimate_mesh(Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)), 39)
