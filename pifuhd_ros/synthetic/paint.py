"""Colours of skin, hair and cloth: texture, tint and printed patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional as F

from pifuhd_ros.synthetic.random import Dice

Pattern = Literal["plain", "stripes", "checks", "blobs"]

_HAIR = (
    (0.05, 0.04, 0.04),
    (0.16, 0.09, 0.05),
    (0.32, 0.2, 0.1),
    (0.62, 0.45, 0.24),
    (0.5, 0.5, 0.5),
)


@dataclass(frozen=True)
class Paint:
    """How a surface gets its albedo."""

    tint: tuple[float, float, float]
    """Colour, linear in [0, 1]; a texture is multiplied by it."""
    texture_share: float
    """1: the texture as it is, times tint; 0: the tint alone."""
    pattern: Pattern = "plain"
    second: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """The pattern's other colour."""
    wave: tuple[float, float, float] = (0.0, 1.0, 0.0)
    """The pattern's wave vector in the rest pose [rad/m]."""


def _colour(dice: Dice) -> tuple[float, float, float]:
    """A cloth colour: any hue, often muted, often dark."""
    hue = dice.rand(3)
    grey = float(hue.mean())
    saturation = dice.uniform(0, 1) ** 1.5
    value = dice.uniform(0.08, 1.0)
    rgb = (grey + (hue - grey) * saturation) * value + 0.02
    r, g, b = rgb.clamp(0, 1).tolist()
    return r, g, b


def sample_cloth_paint(dice: Dice, textured: bool) -> Paint:
    """Cloth: its own texture, tinted or bleached, or a colour with or without a pattern."""
    keep_texture = textured and dice.chance(0.65)
    pattern: Pattern = "plain"
    if not keep_texture and dice.chance(0.45):
        pattern = dice.choice(("stripes", "checks", "blobs"))
    direction = dice.choice(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.7, 0.7, 0.0)))
    frequency = dice.uniform(40, 260)
    x, y, z = (frequency * d for d in direction)
    tint = _colour(dice)
    if keep_texture:
        r, g, b = (0.6 + 0.6 * t if dice.chance(0.5) else 1.0 for t in tint)
        tint = (r, g, b)
    return Paint(tint, 1.0 if keep_texture else 0.0, pattern, _colour(dice), (x, y, z))


def sample_hair_paint(dice: Dice) -> Paint:
    """Hair: the strands of the texture in a natural colour, grey now and then."""
    base = dice.choice(_HAIR)
    gain = dice.uniform(0.6, 1.5)
    return Paint((base[0] * gain, base[1] * gain, base[2] * gain), 1.0)


def sample_skin_paint(dice: Dice) -> Paint:
    """Skin: its texture, a little lighter or darker, warmer or paler."""
    gain = dice.uniform(0.7, 1.15)
    warm = dice.uniform(-0.06, 0.06)
    return Paint((gain * (1 + warm), gain, gain * (1 - warm)), 1.0)


def sample_texture(texture: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
    """Bilinear values (N, C) in [0, 1] of a uint8 texture (C, S, S) at uv (N, 2), repeating."""
    grid = (uv - uv.floor()) * 2 - 1
    values = F.grid_sample(
        texture[None].float() / 255,
        grid.view(1, 1, -1, 2),
        padding_mode="border",
        align_corners=False,
    )
    return values[0, :, 0].T


def apply_paint(
    paint: Paint, texture: torch.Tensor | None, uv: torch.Tensor, rest: torch.Tensor
) -> torch.Tensor:
    """Albedo (N, 3) in [0, 1], sRGB-like, at uv (N, 2) and rest positions (N, 3) [m]."""
    tint = torch.tensor(paint.tint, device=uv.device)
    albedo = tint.expand(len(uv), 3)
    if texture is not None and paint.texture_share > 0:
        value = sample_texture(texture[:3], uv)
        if texture.shape[0] == 4:
            # Hair: only the strands' brightness, around its mean.
            value = value.mean(1, keepdim=True)
            value = value / value.mean().clamp(min=0.05)
        albedo = paint.texture_share * value * tint + (1 - paint.texture_share) * tint
    if paint.pattern != "plain":
        wave = torch.tensor(paint.wave, device=uv.device)
        phase = rest @ wave
        across = rest @ wave[[1, 0, 2]]
        if paint.pattern == "stripes":
            on = phase.sin() > 0
        elif paint.pattern == "checks":
            on = (phase.sin() > 0) ^ (across.sin() > 0)
        else:
            on = phase.sin() * (across * 0.7).sin() * (rest[:, 2] * wave.norm()).cos() > 0.2
        second = torch.tensor(paint.second, device=uv.device)
        albedo = torch.where(on[:, None], second, albedo)
    return albedo.clamp(0, 1)
