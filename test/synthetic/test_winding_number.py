"""Inside and outside, on shapes whose answer is known."""

from __future__ import annotations

import torch

from pifuhd_ros.synthetic.winding import winding_number

_CORNERS = torch.tensor([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
_QUADS = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]


def _cube() -> torch.Tensor:
    """(12, 3, 3) outward triangles of the unit cube."""
    faces = [f for q in _QUADS for f in ([q[0], q[1], q[2]], [q[0], q[2], q[3]])]
    return _CORNERS[torch.tensor(faces)]


def test_closed_cube_is_one_inside_and_zero_outside() -> None:
    points = torch.rand(500, 3, generator=torch.Generator().manual_seed(0)) * 2 - 0.5
    inside = ((points > 0) & (points < 1)).all(1)
    winding = winding_number(points, _cube())
    assert torch.allclose(winding, inside.float(), atol=1e-4)


def test_cube_without_its_lid_is_a_sixth_less_in_the_middle() -> None:
    winding = winding_number(torch.tensor([[0.5, 0.5, 0.5]]), _cube()[2:])
    assert torch.allclose(winding, torch.tensor([5 / 6]), atol=1e-5)


def test_chunks_do_not_matter() -> None:
    points = torch.rand(30_000, 3, generator=torch.Generator().manual_seed(1)) * 2 - 0.5
    whole = winding_number(points, _cube())
    assert torch.allclose(whole[-100:], winding_number(points[-100:], _cube()), atol=1e-6)
