"""Textures that the wardrobe makes or mends: small wrinkles of plain cloth, no logos."""

from __future__ import annotations

import math

import torch

LOGOS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "female_casualsuit01": ((0.69, 0.68, 0.89, 0.86),),
    "male_casualsuit02": ((0.48, 0.76, 0.64, 0.91),),
    "male_casualsuit04": ((0.48, 0.76, 0.64, 0.91),),
    "male_casualsuit06": (
        (0.42, 0.77, 0.65, 0.9),
        (0.18, 0.81, 0.31, 0.9),
        (0.73, 0.8, 0.77, 0.86),
    ),
}
"""Where shirts carry a logo: low u, low v, high u, high v."""


def without_logos(
    texture: torch.Tensor, boxes: tuple[tuple[float, float, float, float], ...]
) -> torch.Tensor:
    """A texture (C, S, S) uint8 whose boxes are blended from the columns beside them."""
    size = texture.shape[-1]
    result = texture.clone()
    for low_u, low_v, high_u, high_v in boxes:
        u0, v0 = int(low_u * size), int(low_v * size)
        u1, v1 = max(int(high_u * size), u0 + 1), max(int(high_v * size), v0 + 1)
        left = result[:, v0:v1, max(u0 - 1, 0), None].float()
        right = result[:, v0:v1, min(u1, size - 1), None].float()
        t = torch.linspace(0, 1, u1 - u0, device=texture.device)
        result[:, v0:v1, u0:u1] = (left + (right - left) * t).round().to(texture.dtype)
    return result


def _heights(size: int, seed: int, stretch: float, steps: tuple[int, ...]) -> torch.Tensor:
    """(S, S) tileable heights: warped ridges at several scales, ``stretch`` times longer in u."""
    generator = torch.Generator().manual_seed(seed)
    v, u = torch.meshgrid(*[torch.arange(size) / size * 2 * math.pi] * 2, indexing="ij")
    height = torch.zeros(size, size)
    for step in steps:
        for _ in range(3):
            a, b, c, d = (2 * math.pi * torch.rand(4, generator=generator)).tolist()
            sign = 1 if torch.rand((), generator=generator) < 0.5 else -1
            along = sign * round(step / stretch)
            warp = 0.9 * (u + 2 * v + a).sin() + 0.6 * (2 * u - v + b).sin()
            fade = (0.5 + 0.5 * (u * 2 + v + c).sin()) * (0.5 + 0.5 * (2 * v - u + d).sin())
            ridge = (0.5 + 0.5 * (step * v + along * u + warp * step * 0.25).sin()) ** 2
            height += ridge * fade / step
    return height


def weave_normal_maps(size: int) -> tuple[torch.Tensor, ...]:
    """Normal maps (3, S, S) uint8 that repeat: two kinds of small wrinkles, and a rib knit."""
    v = torch.arange(size) / size * 2 * math.pi
    count = max(size // 8, 4)
    rib = (0.25 * (v * count).sin() / count).expand(size, size)
    maps = []
    for height, gain in (
        (_heights(size, 1, 3.0, (3, 5, 8)), 0.45),
        (_heights(size, 2, 1.5, (4, 7, 11)), 0.35),
        (rib + 0.3 * _heights(size, 3, 2.0, (4, 6)), 0.8),
    ):
        du = (height.roll(-1, 1) - height.roll(1, 1)) * (size / (4 * math.pi))
        dv = (height.roll(-1, 0) - height.roll(1, 0)) * (size / (4 * math.pi))
        normal = torch.stack([-gain * du, -gain * dv, torch.ones_like(du)])
        normal = torch.nn.functional.normalize(normal, dim=0)
        maps.append(((normal + 1) * 127.5).round().to(torch.uint8))
    return tuple(maps)
