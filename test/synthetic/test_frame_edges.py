from __future__ import annotations

import torch

from pifuhd_ros.synthetic.frame_edges import CUT_OFF, sample_frame_edges


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
