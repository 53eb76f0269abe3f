from __future__ import annotations

import pytest
import torch

from pifuhd_ros.geometry.perspective import space_from_seen
from pifuhd_ros.synthetic.frame_edges import CUT_OFF, FrameEdges, sample_frame_edges


def test_some_people_are_cut_off_most_of_them_below() -> None:
    edges = sample_frame_edges(4000, torch.Generator().manual_seed(0))
    below, left, right = edges.bottom > -1, edges.left > -1, edges.right < 1
    cut = below | left | right
    assert abs(float(cut.float().mean()) - CUT_OFF) < 0.02
    assert int(below.sum()) > int((left | right).sum()) > 0
    assert not bool((below & (left | right)).any())
    assert not bool((left & right).any())


def test_places_beyond_an_edge_are_not_in_the_photo() -> None:
    edges = sample_frame_edges(4000, torch.Generator().manual_seed(0))
    y = torch.stack([edges.bottom + 0.01, edges.bottom - 0.01], 1)
    x = ((edges.left + edges.right) / 2)[:, None].expand(-1, 2)
    held = edges.contain(x, y)
    assert bool(held[:, 0].all())
    assert not bool(held[:, 1].any())
    x = torch.stack([edges.left - 0.01, edges.right + 0.01], 1)
    assert not bool(edges.contain(x, torch.zeros_like(x) + 0.9).any())


def test_pixels_are_shown_as_far_as_the_photo_holds_them() -> None:
    far = torch.tensor([2.0])
    shown = FrameEdges(-far, torch.tensor([0.0]), torch.tensor([0.5])).shown(5)
    assert torch.equal(shown[0, 0, :2], torch.tensor([[1.0, 1, 1, 0, 0]] * 2))
    assert not shown[0, 0, 2:].any()


@pytest.mark.parametrize("inverse", [0.0, 0.4])
def test_distance_beyond_an_edge_is_that_to_its_plane(inverse: float) -> None:
    """Against the nearest of many points of the plane that the edge and the camera span."""
    far, edge = torch.tensor([2.0]), torch.tensor([0.3])
    edges = FrameEdges(-far, edge, -far)
    inverse_distance = torch.tensor([inverse])
    points = torch.tensor([[[0.5, 0.1, 0.2], [0.1, -0.2, -0.4], [0.3, 0.0, 0.5]]])
    axis = torch.linspace(-0.9, 0.9, 300)
    y, z = torch.meshgrid(axis, axis, indexing="ij")
    plane = torch.stack([edge.expand_as(y), y, z], -1).view(1, -1, 3)
    there, space = (space_from_seen(p, inverse_distance)[0] for p in (plane, points))
    nearest = torch.cdist(space, there).amin(1) * torch.tensor([1.0, -1.0, 0.0])
    assert torch.allclose(edges.beyond(points, inverse_distance)[0], nearest, atol=1e-3)


def test_whole_people_are_far_from_every_edge() -> None:
    far = torch.full((1,), 2.0)
    points = torch.rand(1, 500, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert float(FrameEdges(-far, far, -far).beyond(points, torch.tensor([0.5])).max()) < -0.3
