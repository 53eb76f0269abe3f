from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from pifuhd_ros.synthetic.light import (
    Lights,
    ambient_light,
    main_direction,
    sample_lights,
    shade,
    spherical_harmonics,
    to_display,
    to_linear,
    white_shading,
)
from pifuhd_ros.synthetic.occlusion import Occlusion


def sphere(count: int) -> torch.Tensor:
    """Unit vectors (count, 3) spread evenly."""
    i = torch.arange(count, dtype=torch.float64) + 0.5
    z, angle = 1 - 2 * i / count, i * math.pi * (1 + 5**0.5)
    level = (1 - z * z).sqrt()
    return torch.stack([level * angle.cos(), level * angle.sin(), z], 1).float()


def one_light(direction: tuple[float, float, float]) -> Lights:
    """White, from one direction, and no other."""
    towards = F.normalize(torch.tensor([[direction]], dtype=torch.float32), dim=-1)
    return Lights(torch.zeros(1, 9, 3), towards, torch.ones(1, 1, 3), torch.full((1, 1), 0.1))


def as_image(normals: torch.Tensor) -> torch.Tensor:
    """Vectors (N, 3) as (1, 3, N, 1)."""
    return normals.T.reshape(1, 3, -1, 1)


def test_harmonics_are_orthonormal() -> None:
    values = spherical_harmonics(sphere(20_000))
    product = values.T @ values * (4 * math.pi / 20_000)
    torch.testing.assert_close(product, torch.eye(9), atol=2e-3, rtol=0)


def test_ambient_light_is_the_integral_over_the_hemisphere() -> None:
    environment = torch.randn(1, 9, 3, generator=torch.Generator().manual_seed(0)) * 0.1
    environment[:, 0] += 3
    directions, normals = sphere(40_000), sphere(7)
    radiance = spherical_harmonics(directions) @ environment[0]
    weight = (normals @ directions.T).clamp(min=0) * (4 * math.pi / 40_000)
    expected = as_image(weight @ radiance / math.pi)
    found = ambient_light(environment, as_image(normals))
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_light_falls_on_the_side_it_comes_from() -> None:
    normals = as_image(torch.tensor([[1.0, 0, 0], [0, 0, 1], [-1, 0, 0]]))
    light = shade(torch.ones_like(normals), normals, one_light((1, 0, 1)))[0, 0, :, 0]
    torch.testing.assert_close(light, torch.tensor([0.5**0.5, 0.5**0.5, 0.0]))


def test_albedo_and_photo_share_one_gamma() -> None:
    normals = as_image(torch.tensor([[0.0, 0, 1]]))
    albedo = torch.tensor([0.8, 0.5, 0.2]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(to_display(shade(albedo, normals, one_light((0, 0, 1)))), albedo)
    torch.testing.assert_close(to_display(to_linear(albedo)), albedo)


def test_occlusion_dims_what_is_hidden() -> None:
    normals = as_image(torch.tensor([[0.0, 0, 1], [0, 0, 1]]))
    ambient = torch.tensor([1.0, 0.3]).reshape(1, 1, 2, 1)
    bent = as_image(F.normalize(torch.tensor([[0.0, 0, 1], [-1, 0, 1]]), dim=1))
    lights = one_light((1, 0, 0.3))
    light = shade(torch.ones_like(normals), normals, lights, Occlusion(ambient, bent))
    assert float(light[0, 0, 0, 0]) > 0.25
    assert float(light[0, 0, 1, 0]) < 0.05


def test_gloss_shines_where_the_light_is_mirrored_to_the_camera() -> None:
    normals = as_image(F.normalize(torch.tensor([[0.5, 0, 1], [-0.5, 0, 1]]), dim=1))
    black = torch.zeros_like(normals)
    light = shade(black, normals, one_light((1, 0, 1)), gloss=torch.tensor([0.1]))[0, 0, :, 0]
    assert float(light[0]) > 0.08
    assert float(light[1]) < 0.01


def test_people_are_well_exposed_and_some_are_not() -> None:
    lights = sample_lights(400, torch.Generator().manual_seed(0))
    towards = F.normalize(
        torch.tensor([[0.0, 0, 1], [0.5, 0, 1], [-0.5, 0, 1], [0, 0.5, 1]]), dim=1
    )
    normals = as_image(towards).expand(400, -1, -1, -1)
    seen = shade(torch.ones_like(normals), normals, lights).mean((1, 2, 3))
    assert 0.8 < float(seen.median()) < 1.3
    assert float(seen.min()) > 0.3
    assert float((seen < 0.7).float().mean()) > 0.05
    assert float((seen > 1.4).float().mean()) > 0.05
    darkest = shade(torch.ones_like(normals), normals, lights).amin((1, 2, 3))
    assert float((darkest > 0.08).float().mean()) > 0.95


def test_the_same_seed_gives_the_same_lights() -> None:
    first, second, other = (sample_lights(3, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first.environment, second.environment)
    assert torch.equal(first.directions, second.directions)
    assert not torch.equal(first.environment, other.environment)


@pytest.mark.parametrize("direction", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.3, -0.5, 0.8)])
def test_main_direction_follows_lights_and_environment(
    direction: tuple[float, float, float],
) -> None:
    towards = F.normalize(torch.tensor([direction]), dim=1)
    found = main_direction(one_light(direction))
    torch.testing.assert_close(found, towards)
    environment = spherical_harmonics(towards)[..., None].expand(1, 9, 3)
    none = Lights(environment, towards[:, None], torch.zeros(1, 1, 3), torch.zeros(1, 1))
    torch.testing.assert_close(main_direction(none), towards, atol=1e-5, rtol=0)


def test_main_direction_is_where_a_white_ball_is_brightest() -> None:
    lights = sample_lights(20, torch.Generator().manual_seed(6))
    normals = sphere(2000)
    light = to_linear(white_shading(lights, normals)).sum(2, keepdim=True)
    mean = F.normalize((light * normals).sum(1), dim=1)
    torch.testing.assert_close(main_direction(lights), mean, atol=2e-3, rtol=0)


def test_a_white_ball_shows_what_a_white_person_would() -> None:
    lights = sample_lights(3, torch.Generator().manual_seed(5))
    normals = sphere(40)
    white = torch.ones(3, 3, 40, 1)
    drawn = shade(white, as_image(normals).expand(3, -1, -1, -1), lights)
    shading = white_shading(lights, normals)
    assert shading.shape == (3, 40, 3)
    torch.testing.assert_close(to_linear(shading), drawn[..., 0].transpose(1, 2).clamp(min=0))
