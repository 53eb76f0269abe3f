"""The winding number: on shapes whose answer is known, and against the plain sum."""

from __future__ import annotations

import math

import pytest
import torch
from handmade_people import box, sphere

from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.winding import WindingNumber, winding_number


def cube() -> torch.Tensor:
    """(12, 3, 3) outward triangles of the unit cube; the last two are one side."""
    shape = box((0, 0, 0), (1, 1, 1))
    return shape.vertices[shape.closed]


def plain_sum(points: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Solid angles of all triangles from all points, over 4 pi, by Oosterom and Strackee."""
    total = []
    for some in points.double().split(20):
        a, b, c = (triangles.double() - some[:, None, None]).unbind(2)
        la, lb, lc = a.norm(dim=2), b.norm(dim=2), c.norm(dim=2)
        over = (a * torch.linalg.cross(b, c)).sum(2)
        under = la * lb * lc
        under += (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
        total.append(2 * torch.atan2(over, under).sum(1) / (4 * math.pi))
    return torch.cat(total).float()


def test_closed_cube_is_one_inside_and_zero_outside() -> None:
    points = torch.rand(500, 3, generator=torch.Generator().manual_seed(0)) * 2 - 0.5
    inside = ((points > 0) & (points < 1)).all(1)
    assert torch.allclose(WindingNumber(cube()).at(points), inside.float(), atol=0.03)
    for plain in (winding_number, plain_sum):
        assert torch.allclose(plain(points, cube()), inside.float(), atol=1e-4)


def test_cube_without_one_side_is_a_sixth_less_in_the_middle() -> None:
    middle = torch.tensor([[0.5, 0.5, 0.5]])
    for winding in (WindingNumber(cube()[:-2]).at(middle), winding_number(middle, cube()[:-2])):
        assert torch.allclose(winding, torch.tensor([5 / 6]), atol=1e-5)


def test_turned_faces_count_the_other_way() -> None:
    middle, turned = torch.tensor([[0.5, 0.5, 0.5]]), cube().flip(1)
    for winding in (WindingNumber(turned).at(middle), winding_number(middle, turned)):
        assert torch.allclose(winding, torch.tensor([-1.0]), atol=1e-5)


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = sphere(0.5, rings=12)
    winding = WindingNumber(shape.vertices[shape.closed])
    points = torch.rand(500, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    whole = winding.at(points)
    monkeypatch.setattr("pifuhd_ros.synthetic.winding._PAIRS_PER_CHUNK", 1000)
    assert torch.allclose(winding.at(points), whole, atol=1e-6)
    triangles = shape.vertices[shape.closed]
    whole = winding_number(points, triangles)
    monkeypatch.setattr("pifuhd_ros.synthetic.winding._BLOCK", 1000)
    assert torch.allclose(winding_number(points, triangles), whole, atol=1e-4)
    assert len(winding.at(points[:0])) == 0


def test_clusters_agree_with_the_plain_sum(people: People) -> None:
    """Hair, which is as open as anything gets: error below 0.03, and 99.9 % alike."""
    alike = compared = 0
    for who in range(len(people)):
        hair = people.vertices_of(who)[people.faces_of("open_faces", who)]
        if len(hair) == 0:
            continue
        g = torch.Generator().manual_seed(who)
        low, high = hair.reshape(-1, 3).amin(0) - 0.05, hair.reshape(-1, 3).amax(0) + 0.05
        points = low + (high - low) * torch.rand(700, 3, generator=g)
        near = hair[torch.randint(len(hair), (700,), generator=g)].mean(1)
        points = torch.cat([points, near + 0.01 * torch.randn(700, 3, generator=g)])
        fast, plain = WindingNumber(hair).at(points), plain_sum(points, hair)
        assert (fast - plain).abs().max() < 0.03
        error = (winding_number(points[::10], hair) - plain[::10]).abs()
        # Its lengths are less exact for a point that all but lies on a triangle.
        assert error.quantile(0.98) < 1e-3
        assert error.max() < 0.01
        alike += int(((fast > 0.5) == (plain > 0.5)).sum())
        compared += len(points)
    assert compared
    assert alike / compared >= 0.999
