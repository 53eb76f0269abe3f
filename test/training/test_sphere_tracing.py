"""Rays find a ball, and what they find moves as the ball grows."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from pifuhd_ros.training.sphere_tracing import meet_surface, trace_rays

_TO = F.normalize(torch.tensor([[[0.0, 0.1, -1.0], [0.3, 0.0, -1.0], [2.0, 0.0, -1.0]]]), dim=-1)
_FROM = torch.tensor([0.0, 0.0, 1.0]).expand_as(_TO)


def _ball(radius: float) -> object:
    return lambda points: points.norm(dim=-1) - radius


def test_rays_hit_what_is_there() -> None:
    found = trace_rays(_ball(0.5), _FROM, _TO, torch.full((1, 3), 3.0), 20)  # type: ignore[arg-type]
    assert found.hit.tolist() == [[True, True, False]]
    assert torch.allclose(found.end[found.hit].norm(dim=-1), torch.tensor(0.5), atol=1e-2)
    assert (found.end[found.hit][:, 2] > 0).all()
    # The third ray passes the ball at this distance of its centre, and the march comes near it.
    passes = torch.linalg.cross(_FROM, _TO)[0, 2].norm()
    assert float(found.closest[0, 2].norm()) == pytest.approx(float(passes), abs=0.05)


def test_a_ray_that_is_too_short_hits_nothing() -> None:
    found = trace_rays(_ball(0.5), _FROM, _TO, torch.full((1, 3), 0.2), 20)  # type: ignore[arg-type]
    assert not found.hit.any()


def test_the_met_surface_moves_as_the_distance_says() -> None:
    """Against where the rays meet the ball by the formula, differentiated by its radius."""
    to, origin = F.normalize(_TO[:, :2].double(), dim=-1), _FROM[:, :2].double()

    def met(radius: torch.Tensor) -> torch.Tensor:
        along = (origin * to).sum(-1)
        root = (along**2 - origin.square().sum(-1) + radius**2).sqrt()
        return origin + to * (-along - root)[..., None]

    radius = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    there = met(radius).detach()
    distance = there.norm(dim=-1) - radius
    moved = meet_surface(there, to, distance, F.normalize(there, dim=-1))
    assert torch.allclose(moved, there, atol=1e-12)
    for axis in range(3):
        (by_us,) = torch.autograd.grad(moved[0, 1, axis], radius, retain_graph=True)
        (expected,) = torch.autograd.grad(met(radius)[0, 1, axis], radius)
        assert float(by_us) == pytest.approx(float(expected), abs=1e-9)


def test_a_grazed_surface_does_not_fly_away() -> None:
    points, to = torch.zeros(1, 1, 3), torch.tensor([[[0.0, 0.0, -1.0]]])
    moved = meet_surface(points, to, torch.full((1, 1), 0.01), torch.tensor([[[1.0, 0.0, 0.0]]]))
    assert float(moved.norm()) < 0.11
