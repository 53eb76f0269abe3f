"""What is inside: on shapes whose answer is known, and against libigl's winding number."""

from __future__ import annotations

import pytest
import torch
from handmade_people import box, people_of, sphere, together

from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.samples import SamplingConfig, sample_points
from pifuhd_ros.synthetic.solid import Solid


def some_points(count: int, reach: float, seed: int = 0) -> torch.Tensor:
    return (torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1) * reach


def test_points_are_moved_by_half_a_cell_at_most() -> None:
    solid = Solid(people_of(box((-0.2, -0.2, -0.2), (0.2, 0.2, 0.2))), cell_m=0.01)
    points = some_points(500, 0.5)
    moved = solid.snap(points)
    assert (moved - points).abs().max() < 0.005 + 1e-6
    assert torch.equal(moved[:, 2], points[:, 2])
    assert torch.allclose(solid.snap(moved), moved, atol=1e-7)


def test_the_union_of_what_is_closed_is_inside() -> None:
    """Two boxes that overlap, of one person, beside another person who is a sphere."""
    # No side lies on a line of the test.
    a = box((-0.301, -0.301, -0.301), (0.101, 0.101, 0.101))
    b = box((-0.101, -0.101, -0.101), (0.349, 0.303, 0.303))
    solid = Solid(people_of(together(a, b), sphere(0.3)))
    points = solid.snap(some_points(4000, 0.5))
    person = torch.arange(4000) % 2
    inside = solid.contains(points, person)
    in_a = (points > -0.301).all(1) & (points < 0.101).all(1)
    upper = torch.tensor([0.349, 0.303, 0.303])
    in_b = (points > -0.101).all(1) & (points < upper).all(1)
    boxes = person == 0
    assert torch.equal(inside[boxes], (in_a | in_b)[boxes])
    length = points.norm(dim=1)
    sure = ~boxes & ((length - 0.3).abs() > 2e-4)
    assert torch.equal(inside[sure], (length < 0.3)[sure])


def test_open_hair_is_filled_where_its_winding_number_is_above_one_half() -> None:
    """A sphere with a small hole in its top: inside, seen from the middle, nearly all is closed."""
    hair = people_of(sphere(0.3, rings=48, lid=8))
    solid = Solid(hair)
    points = solid.snap(some_points(3000, 0.4))
    inside = solid.contains(points, torch.zeros(3000, dtype=torch.int64))
    deep, outside = points.norm(dim=1) < 0.15, points.norm(dim=1) > 0.31
    assert inside[deep].all()
    assert not inside[outside].any()


def test_the_boundary_is_the_outer_surface() -> None:
    """Of two balls, one in the other's way, and one inside: only what can be seen from outside."""
    centres = torch.tensor([[-0.1, 0, 0], [0.1, 0, 0]])
    balls = [sphere(0.2, tuple(c.tolist())) for c in centres]
    people = people_of(together(*balls, sphere(0.1, (-0.1, 0, 0))))
    boundary = Solid(people).boundary(0.01)
    apart = (boundary.points[:, None] - centres).norm(dim=2)
    assert (apart.amin(1) - 0.2).abs().max() < 1e-3
    outward = (boundary.points - centres[apart.argmin(1)]) / 0.2
    # Where the balls meet, a point lies on both.
    aside = boundary.points[:, 0].abs() > 0.005
    assert (outward * boundary.normals).sum(1)[aside].min() > 0.99
    # Two caps are missing of two spheres, a quarter of each; every surface is sampled once to
    # thrice, by lines along the axes that it faces.
    area = 2 * 4 * torch.pi * 0.2**2 * 0.75
    assert 0.5 * area < len(boundary.points) * 0.01**2 < 1.5 * area


def test_nothing_hides_between_the_points_of_the_boundary() -> None:
    boundary = Solid(people_of(sphere(0.3))).boundary(0.01)
    on = torch.nn.functional.normalize(some_points(2000, 1.0), dim=1) * 0.3
    assert torch.cdist(on, boundary.points).amin(1).max() < 0.012


def test_points_beside_the_person_are_outside(people: People) -> None:
    solid = Solid(people)
    for who in range(len(people)):
        vertices = people.vertices_of(who)
        far = vertices.amax(0) + torch.rand(50, 3, generator=torch.Generator().manual_seed(who))
        assert not solid.contains(solid.snap(far), torch.full((50,), who)).any()


def test_occupancy_is_that_of_libigl(people: People) -> None:
    """Farther than 2 mm from any surface 99.5 % are the same; distances by Open3D."""
    igl = pytest.importorskip("igl")
    o3d = pytest.importorskip("open3d")
    samples = sample_points(people, range(len(people)), SamplingConfig(points=4096))
    for who in range(len(people)):
        vertices = people.vertices_of(who).double().numpy()
        closed, hair = (
            people.faces_of(kind, who).numpy() for kind in ("closed_faces", "open_faces")
        )
        points = samples.points[who].double().numpy()
        inside = igl.fast_winding_number(vertices, closed, points) > 0.5
        scene = o3d.t.geometry.RaycastingScene()
        for faces in (closed, hair):
            if len(faces):
                scene.add_triangles(
                    o3d.core.Tensor(vertices.astype("float32")),
                    o3d.core.Tensor(faces.astype("uint32")),
                )
        if len(hair):
            inside |= igl.fast_winding_number(vertices, hair, points) > 0.5
        away = scene.compute_distance(o3d.core.Tensor(points.astype("float32"))).numpy() > 0.002
        assert away.mean() > 0.85
        same = samples.inside[who].numpy() == inside
        assert same[away].mean() >= 0.995
        assert 0.1 < inside.mean() < 0.8
