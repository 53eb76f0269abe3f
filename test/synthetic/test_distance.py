"""Distances to the surface of the solid."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from handmade_people import Shape, box, people_of, sphere

from pifuhd_ros.synthetic.distance import NearestSurface, triangle_distance
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.samples import SamplingConfig, sample_points
from pifuhd_ros.synthetic.solid import Solid


def some_points(count: int, reach: float, seed: int = 0) -> torch.Tensor:
    return (torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1) * reach


def test_distance_to_a_triangle_over_it_beside_it_and_at_its_corner() -> None:
    triangle = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    points = torch.tensor(
        [[0.2, 0.2, 0.3], [0.2, 0.2, -0.3], [0.5, -0.4, 0], [-3, -4, 0], [1, 1, 0]]
    )
    expected = torch.tensor([0.3, 0.3, 0.4, 5.0, 0.5**0.5])
    corners = triangle.expand(len(points), 3, 3)
    assert torch.allclose(triangle_distance(points, corners), expected, atol=1e-6)
    assert torch.allclose(triangle_distance(points, corners.flip(1)), expected, atol=1e-6)


def test_distance_to_a_triangle_without_area_is_that_to_its_side() -> None:
    line = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0.5, 0, 0]]])
    assert triangle_distance(torch.tensor([[0.5, 0.3, 0]]), line).item() == pytest.approx(0.3)


def distances(shape: Shape, points: torch.Tensor) -> torch.Tensor:
    return NearestSurface(Solid(people_of(shape)).boundary()).distance(points)


def test_distance_to_a_ball_is_right_to_half_a_millimetre() -> None:
    points = some_points(3000, 0.8)
    expected = (points.norm(dim=1) - 0.3).abs()
    error = (distances(sphere(0.3), points) - expected).abs()
    assert error.quantile(0.999) < 5e-4
    assert error.max() < 2e-3


def test_distance_to_a_box_is_right_to_half_a_millimetre() -> None:
    half = torch.tensor([0.2, 0.3, 0.15])
    points = some_points(3000, 0.6)
    out = points.abs() - half
    expected = (out.clamp(min=0).norm(dim=1) + out.amax(1).clamp(max=0)).abs()
    found = distances(box((-half).tolist(), half.tolist()), points)
    assert (found - expected).abs().max() < 5e-4


def test_the_nearest_surface_point_is_found_from_everywhere() -> None:
    """Also from the middle of a ball, where all are about as far, and far outside."""
    boundary = Solid(people_of(sphere(0.3))).boundary()
    points = torch.cat([some_points(100, 0.02), some_points(100, 0.4), some_points(100, 1.7)])
    nearest = [(boundary.points - point).norm(dim=1).argmin() for point in points]
    expected = triangle_distance(points, boundary.corners[torch.stack(nearest)])
    error = NearestSurface(boundary).distance(points) - expected
    # Of several that are equally far any may be taken.
    assert error.abs().max() < 1e-4
    assert error.abs().median() < 1e-7


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    points = some_points(500, 0.6)
    whole = distances(sphere(0.3), points)
    monkeypatch.setattr("pifuhd_ros.synthetic.distance._PAIRS_PER_CHUNK", 100_000)
    assert torch.allclose(distances(sphere(0.3), points), whole, atol=1e-6)


def test_distance_to_a_person_is_that_of_embree(people: People) -> None:
    """From outside no inner surface is nearer than the outer one: all faces may count there.

    From inside none that counts is nearer than the nearest of all. Without hair, whose surface is
    fuzzy.
    """
    o3d = pytest.importorskip("open3d")
    bald = dataclasses.replace(people, open_faces=people.open_faces[:0])
    samples = sample_points(bald, range(len(bald)), SamplingConfig(points=2048))
    for who in range(len(bald)):
        scene = o3d.t.geometry.RaycastingScene()
        scene.add_triangles(
            o3d.core.Tensor(bald.vertices_of(who).numpy()),
            o3d.core.Tensor(bald.faces_of("closed_faces", who).numpy().astype("uint32")),
        )
        expected = scene.compute_distance(o3d.core.Tensor(samples.points[who].numpy())).numpy()
        more = samples.signed_distance[who].abs() - torch.from_numpy(expected)
        outside = ~samples.inside[who]
        error = more[outside].abs()
        assert error.median() < 2e-4
        assert error.quantile(0.99) < 3e-3
        assert error.max() < 1e-2
        assert more.min() > -1e-5


def test_distance_to_hair_is_about_that_of_embree(people: People) -> None:
    """Hair is what its winding number says: its surface lies a little beside its faces."""
    o3d = pytest.importorskip("open3d")
    samples = sample_points(people, range(len(people)), SamplingConfig(points=2048))
    for who in range(len(people)):
        scene = o3d.t.geometry.RaycastingScene()
        kinds = ("closed_faces", "open_faces")
        faces = torch.cat([people.faces_of(kind, who) for kind in kinds])
        scene.add_triangles(
            o3d.core.Tensor(people.vertices_of(who).numpy()),
            o3d.core.Tensor(faces.numpy().astype("uint32")),
        )
        expected = scene.compute_distance(o3d.core.Tensor(samples.points[who].numpy())).numpy()
        error = (samples.signed_distance[who] - torch.from_numpy(expected)).abs()
        error = error[~samples.inside[who]]
        assert error.median() < 2e-4
        assert error.quantile(0.95) < 1e-2
        assert error.quantile(0.99) < 2e-2
