"""Lights a view: albedo times the light that falls on the front normals."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Lights:
    """An ambient and a sky term and a few distant lights."""

    ambient: torch.Tensor
    """(B, 3) colour."""
    sky: torch.Tensor
    """(B, 3) colour of what comes from above, scaled by (1 + n_y) / 2."""
    directions: torch.Tensor
    """(B, L, 3) unit vectors towards the lights, model space."""
    colours: torch.Tensor
    """(B, L, 3)."""


def sample_lights(count: int, generator: torch.Generator, lights: int = 3) -> Lights:
    """Random lights for a batch, as bright together as a well exposed photo."""

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    direction = torch.randn(count, lights, 3, generator=generator)
    # Rooms and skies light from above and from the camera's side.
    direction[..., 1] = direction[..., 1].abs() * 0.8
    direction[..., 2] = direction[..., 2] + 0.5
    direction = torch.nn.functional.normalize(direction, dim=-1)
    strength = rand(count, lights, 1) ** 2
    tint = 1 + 0.25 * (rand(count, lights, 3) - 0.5)
    ambient = (0.2 + 0.6 * rand(count, 1)) * (1 + 0.15 * (rand(count, 3) - 0.5))
    sky = 0.4 * rand(count, 1) * (1 + 0.15 * (rand(count, 3) - 0.5))
    exposure = 0.75 + 0.5 * rand(count, 1)
    total = ambient.mean(1, keepdim=True) + 0.5 * sky.mean(1, keepdim=True)
    total = total + 0.5 * strength.sum(1)
    gain = exposure / total
    return Lights(ambient * gain, sky * gain, direction, strength * tint * gain[:, None])


def shade(albedo: torch.Tensor, normals: torch.Tensor, lights: Lights) -> torch.Tensor:
    """Colours (B, 3, S, S) in [0, 1] of albedo and unit normals (B, 3, S, S)."""
    amount = torch.einsum("blc,bchw->blhw", lights.directions, normals).clamp(min=0)
    light = torch.einsum("blk,blhw->bkhw", lights.colours, amount)
    light = light + lights.ambient[..., None, None]
    light = light + lights.sky[..., None, None] * (1 + normals[:, 1:2]) / 2
    return (albedo * light).clamp(0, 1)
