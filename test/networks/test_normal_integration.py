from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from pifuhd_ros.networks.light_fit import normals_of_depth
from pifuhd_ros.networks.normal_integration import integrate_normals

_SIZE = 128


def ball() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A ball without its rim: depths (1, 2, S, S), normals (1, 2, 3, S, S) and mask."""
    y, x = torch.meshgrid(torch.linspace(1, -1, _SIZE), torch.linspace(-1, 1, _SIZE), indexing="ij")
    squared = 0.36 - x.square() - y.square()
    z = squared.clamp(min=0).sqrt()
    front = F.normalize(torch.stack([x, y, z]), dim=0)
    back = front * torch.tensor([1.0, 1.0, -1.0])[:, None, None]
    mask = (squared > 0.1).float()
    return torch.stack([z, -z])[None], torch.stack([front, back])[None], mask[None, None]


def blurred(depth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """As features show it, which are taught the mean of the person's part of a block of pixels."""
    small = F.avg_pool2d(depth * mask, 4) / F.avg_pool2d(mask, 4).clamp(min=1e-3)
    return F.interpolate(small, size=(_SIZE, _SIZE), mode="bilinear")


def test_what_agrees_stays() -> None:
    y, x = torch.meshgrid(torch.linspace(1, -1, _SIZE), torch.linspace(-1, 1, _SIZE), indexing="ij")
    plane = (0.3 * x - 0.2 * y)[None, None]
    normal = F.normalize(torch.tensor([-0.3, 0.2, 1.0]), dim=0)
    normals = normal[:, None, None].expand(3, _SIZE, _SIZE)[None, None]
    refined = integrate_normals(plane, normals, torch.ones(1, 1, _SIZE, _SIZE))
    torch.testing.assert_close(refined, plane, atol=1e-5, rtol=0)


def test_an_edge_between_limbs_stays() -> None:
    depth = torch.zeros(1, 1, _SIZE, _SIZE)
    depth[..., _SIZE // 2 :] = 0.3
    facing = torch.tensor([0.0, 0.0, 1.0])[:, None, None].expand(3, _SIZE, _SIZE)[None, None]
    refined = integrate_normals(depth, facing, torch.ones(1, 1, _SIZE, _SIZE))
    torch.testing.assert_close(refined, depth, atol=1e-3, rtol=0)


def test_slopes_become_those_of_the_normals_inside_the_mask() -> None:
    true, normals, mask = ball()
    given = blurred(true, mask)
    refined = integrate_normals(given, normals, mask)
    inner = F.avg_pool2d(mask, 9, 1, 4) > 0.999

    def degrees_off(depth: torch.Tensor) -> torch.Tensor:
        cosine = (normals_of_depth(depth[:, :1]) * normals[:, 0]).sum(1, keepdim=True)
        return cosine.clamp(-1, 1).acos()[inner].mean().rad2deg()

    assert degrees_off(refined) < degrees_off(given) / 3
    outside = mask[0, 0] == 0
    assert torch.equal(refined[:, :, outside], given[:, :, outside])


def test_each_map_is_refined_by_itself() -> None:
    true, normals, mask = ball()
    given = blurred(true, mask)
    both = integrate_normals(given, normals, mask)
    for side in (0, 1):
        alone = integrate_normals(given[:, side : side + 1], normals[:, side : side + 1], mask)
        torch.testing.assert_close(both[:, side : side + 1], alone)


@pytest.mark.parametrize("scale", [0.0, 1e-30])
def test_nothing_to_do_gives_no_nan(scale: float) -> None:
    given = torch.full((1, 1, _SIZE, _SIZE), scale)
    normals = torch.zeros(1, 1, 3, _SIZE, _SIZE)
    refined = integrate_normals(given, normals, torch.zeros(1, 1, _SIZE, _SIZE))
    assert torch.equal(refined, given)
