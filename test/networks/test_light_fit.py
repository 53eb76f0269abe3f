"""Tests of reading the light off colours and normals."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from pifuhd_ros.networks.light_fit import FIT_CHANNELS, fit_light, normals_of_depth


def _ball(size: int = 64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Depth, normals and mask of a ball of radius 0.8."""
    steps = (torch.arange(size) + 0.5) / size * 2 - 1
    x, y = torch.meshgrid(steps, -steps, indexing="xy")
    z = (0.64 - x * x - y * y).clamp(min=0).sqrt()
    mask = (z > 0.2).float()
    normals = torch.stack([x, y, z]) / 0.8
    return z[None, None], normals[None] * mask, mask[None, None]


def test_normals_of_a_ball() -> None:
    depth, normals, mask = _ball()
    inner = -F.max_pool2d(-mask, 5, 1, 2)
    cosine = (normals_of_depth(depth) * normals).sum(1, keepdim=True)
    assert cosine[inner > 0].min() > 0.98


@pytest.mark.parametrize("towards", [(1.0, 0.0, 0.3), (-0.5, 0.8, 0.3), (0.0, -1.0, 0.5)])
def test_a_lamp_is_found_whatever_the_albedo(towards: tuple[float, float, float]) -> None:
    _, normals, mask = _ball()
    lamp = F.normalize(torch.tensor(towards), dim=0)
    light = 0.5 + 0.4 * torch.einsum("bchw,c->bhw", normals, lamp)[:, None]
    albedo = torch.tensor([0.9, 0.4, 0.2])[None, :, None, None]
    fitted = fit_light(albedo * light * mask, normals, mask)
    assert fitted.shape == (1, FIT_CHANNELS)
    mean, coefficients = fitted[0, :3], fitted[0, 3:].view(4, 3)
    assert torch.allclose(mean / mean[0], albedo.flatten() / 0.9, atol=1e-4)
    assert torch.allclose(coefficients[:, :1].expand(-1, 3), coefficients, atol=1e-3)
    assert F.normalize(coefficients[1:, 0], dim=0) @ lamp > 0.95


def test_no_person_is_no_light() -> None:
    nothing = torch.zeros(1, 1, 8, 8)
    fitted = fit_light(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8), nothing)
    assert not fitted.any()
