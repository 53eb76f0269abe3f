"""The rasteriser: coverage is exact, depth order is right."""

from __future__ import annotations

import math

import pytest
import torch

from pifuhd_ros.geometry.rasterize import cover, rasterize


def _sphere(radius: float, centre: tuple[float, float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    """A closed sphere in pixel coordinates, outside counter-clockwise with v up, depth = -z."""
    rings, sectors = 24, 32
    theta = torch.linspace(0, math.pi, rings + 1, dtype=torch.float64)[1:-1]
    phi = torch.arange(sectors, dtype=torch.float64) * (2 * math.pi / sectors)
    grid = torch.stack(
        [
            theta.sin()[:, None] * phi.cos(),
            theta.cos()[:, None].expand(-1, sectors),
            theta.sin()[:, None] * phi.sin(),
        ],
        -1,
    ).reshape(-1, 3)
    vertices = torch.cat([grid, torch.tensor([[0, 1, 0], [0, -1, 0]], dtype=torch.float64)])
    faces = []
    north, south = len(grid), len(grid) + 1
    for r in range(rings - 2):
        for s in range(sectors):
            a, b = r * sectors + s, r * sectors + (s + 1) % sectors
            c, d = a + sectors, b + sectors
            faces += [[a, b, c], [b, d, c]]
    last = (rings - 2) * sectors
    for s in range(sectors):
        t = (s + 1) % sectors
        faces += [[north, t, s], [south, last + s, last + t]]
    face = torch.tensor(faces)
    corner = vertices[face]
    normal = torch.linalg.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    if (normal * corner.mean(1)).sum() < 0:
        face = face.flip(1)
    pixels = torch.stack(
        [
            centre[0] + radius * vertices[:, 0],
            centre[1] - radius * vertices[:, 1],
            -(centre[2] + radius * vertices[:, 2]),
        ],
        -1,
    )
    return pixels, face


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5])
def test_closed_surface_is_entered_as_often_as_left(shift: float) -> None:
    points, faces = _sphere(20.0, (32.0 + shift, 32.0, 0.0))
    coverage = cover(points, faces, 64, 64)
    sign = torch.where(coverage.is_front, 1, -1)
    balance = torch.zeros(64 * 64, dtype=torch.int64).index_add(0, coverage.pixel, sign)
    count = torch.bincount(coverage.pixel, minlength=64 * 64)
    assert count.max() == 2
    assert (balance == 0).all()
    assert abs(int((count == 2).sum()) - math.pi * 20**2) < 0.02 * math.pi * 20**2


def test_nearest_surface_and_depth_of_a_sphere() -> None:
    points, faces = _sphere(20.0, (32.0, 32.0, 5.0))
    result = rasterize(points, faces, 64, 64)
    assert result.depth[32, 32] == pytest.approx(-25.0, abs=0.3)
    assert result.face[0, 0] == -1
    assert torch.isinf(result.depth[0, 0])
    hit = result.face >= 0
    assert torch.allclose(result.barycentric[hit].sum(-1), torch.ones(int(hit.sum())), atol=1e-5)


def test_grid_of_triangles_covers_every_pixel_once() -> None:
    # Vertices on pixel centres: every tie of the fill rule occurs.
    v, u = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    points = torch.stack([u, v, torch.zeros_like(u)], -1).reshape(-1, 3).double()
    a = (torch.arange(8)[:, None] * 9 + torch.arange(8)).reshape(-1)
    faces = torch.cat([torch.stack([a, a + 1, a + 10], 1), torch.stack([a, a + 10, a + 9], 1)])
    coverage = cover(points, faces, 9, 9)
    count = torch.bincount(coverage.pixel, minlength=81).view(9, 9)
    assert (count[1:8, 1:8] == 1).all()
    assert count.max() == 1


def test_a_vertex_on_a_pixel_centre_is_crossed_once() -> None:
    """Whatever the fan around it looks like, and however its vertices are numbered."""
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        count = int(torch.randint(3, 9, (), generator=generator))
        turn = torch.rand(count, generator=generator) * 0.9
        angle = (torch.arange(count) + turn) * (2 * math.pi / count)
        gaps = torch.cat([angle[1:], angle[:1] + 2 * math.pi]) - angle
        if gaps.max() >= math.pi:
            continue  # The fan would fold over itself.
        rim = 16 + 9 * torch.stack([angle.cos(), angle.sin(), torch.zeros(count)], 1)
        points = torch.cat([torch.tensor([[16.0, 16, 0]]), rim])
        i = torch.arange(count)
        faces = torch.stack([torch.zeros_like(i), 1 + i, 1 + (i + 1) % count], 1)
        order = torch.randperm(count + 1, generator=generator)
        shuffled = torch.empty_like(points)
        shuffled[order] = points
        coverage = cover(shuffled, order[faces], 32, 32)
        assert int((coverage.pixel == 16 * 32 + 16).sum()) == 1, seed
        assert torch.bincount(coverage.pixel).max() == 1


def test_coverage_is_that_of_the_edge_functions() -> None:
    """Against every centre and every triangle, one by one, in double precision."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(90, 3, generator=generator).double() * torch.tensor([50.0, 40, 1]) - 5
    # Where corners are rounded to, so that nothing is left to chance.
    points[:, :2] = (points[:, :2] * 1024).round() / 1024
    faces = torch.arange(90).view(30, 3)
    coverage = cover(points, faces, 32, 40)
    found = torch.zeros(30, 32 * 40, dtype=torch.bool)
    found[coverage.face, coverage.pixel] = True
    v, u = torch.meshgrid(torch.arange(32.0), torch.arange(40.0), indexing="ij")
    centre = torch.stack([u, v], -1).view(-1, 2).double()
    a, b, c = points[faces][..., :2].unbind(1)

    def side(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        along, off = (q - p)[:, None], centre - p[:, None]
        return along[..., 0] * off[..., 1] - along[..., 1] * off[..., 0]

    sides = torch.stack([side(b, c), side(c, a), side(a, b)], -1)
    inside, sure = (sides > 0).all(-1) | (sides < 0).all(-1), (sides != 0).all(-1)
    assert inside.sum() > 500
    assert torch.equal(found[sure], inside[sure])
    expected = sides[coverage.face, coverage.pixel]
    expected = expected / expected.sum(1, keepdim=True)
    assert torch.allclose(coverage.barycentric, expected.float(), atol=1e-5)
    depth = (expected * points[faces][coverage.face, :, 2]).sum(1)
    assert torch.allclose(coverage.depth, depth.float(), atol=1e-5)


def test_nearer_triangle_wins_and_images_of_a_batch_stay_apart() -> None:
    points = torch.tensor([[0.0, 0, 2], [9, 0, 2], [0, 9, 2], [0, 0, 1], [9, 0, 1], [0, 9, 1]])
    faces = torch.tensor([[0, 1, 2], [3, 4, 5]])
    assert rasterize(points, faces, 8, 8).face[1, 1] == 1
    both = cover(points, faces, 8, 8, image=torch.tensor([0, 1]))
    assert (both.pixel[both.face == 0] < 64).all()
    assert (both.pixel[both.face == 1] >= 64).all()


def test_faces_outside_the_image_cover_nothing() -> None:
    points = torch.tensor([[-9.0, -9, 0], [-2, -9, 0], [-9, -2, 0]])
    result = rasterize(points, torch.tensor([[0, 1, 2]]), 8, 8)
    assert (result.face == -1).all()


def test_chunks_give_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    points, faces = _sphere(20.0, (32.0, 32.0, 0.0))
    whole = rasterize(points, faces, 64, 64)
    monkeypatch.setattr("pifuhd_ros.geometry.rasterize._CANDIDATES_PER_CHUNK", 500)
    assert torch.equal(rasterize(points, faces, 64, 64).face, whole.face)


@pytest.mark.parametrize("seed", range(5))
def test_the_middle_of_any_fan_is_crossed_once(seed: int) -> None:
    # An octahedron whose corners all lie on centres: each ray goes in once and out once.
    around = [[9.0, 5, 5], [5, 9, 5], [1, 5, 5], [5, 1, 5]]
    points = torch.tensor([[5.0, 5, 0], *around, [5, 5, 9]])
    upper = torch.tensor([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]])
    faces = torch.cat([upper, torch.where(upper == 0, 5, upper).flip(1)])
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    hits = cover(points[order], order.argsort()[faces], 11, 11)
    for front in (True, False):
        count = torch.bincount(hits.pixel[hits.is_front == front], minlength=121)
        assert int(count.max()) == 1
        assert int(count.sum()) == 32  # The area of the square between the corners.
