"""Colours of skin, hair and cloth: textures, tints, woven and printed patterns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from pifuhd_ros.synthetic.random import Dice

Colour = tuple[float, float, float]
Pattern = Literal[
    "plain", "stripes", "checks", "plaid", "dots", "camouflage", "halves", "disc", "blocks", "fade"
]
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)

_PRINTS = ("disc", "blocks", "fade")
_HAIR: tuple[Colour, ...] = (
    (0.05, 0.04, 0.04),
    (0.09, 0.06, 0.05),
    (0.16, 0.09, 0.05),
    (0.32, 0.2, 0.1),
    (0.45, 0.2, 0.1),
    (0.62, 0.45, 0.24),
    (0.75, 0.62, 0.4),
    (0.5, 0.5, 0.5),
    (0.8, 0.8, 0.78),
)


@dataclass(frozen=True)
class Paint:
    """How a surface gets its albedo."""

    tint: Colour
    """Colour, sRGB-like in [0, 1]; a texture is multiplied by it."""
    texture_share: float
    """1: the texture as it is, times tint; 0: the tint alone."""
    pattern: Pattern = "plain"
    second: Colour = (1.0, 1.0, 1.0)
    """The pattern's other colour."""
    wave: Colour = (0.0, 1.0, 0.0)
    """The pattern's wave vector in the rest pose [rad/m]; of a chest print its middle's x and y and
    its half size [m]; of halves the height where they meet [m], as the second number."""
    grain: float = 0.0
    """Strength of fine variation, as in denim, knitwear and worn cloth."""
    is_hair: bool = False
    """Only the brightness of the texture counts."""


@dataclass(frozen=True)
class Paints:
    """Paint of many parts, one row each."""

    tint: torch.Tensor
    """(P, 3)."""
    texture_share: torch.Tensor
    """(P,)."""
    pattern: torch.Tensor
    """(P,) int64 index into PATTERNS."""
    second: torch.Tensor
    """(P, 3)."""
    wave: torch.Tensor
    """(P, 3)."""
    grain: torch.Tensor
    """(P,)."""
    is_hair: torch.Tensor
    """(P,) bool."""
    texture: torch.Tensor
    """(P,) int64 index of its texture, -1 for none."""


def stack_paints(
    paints: Sequence[Paint], textures: Sequence[int], device: torch.device | str = "cpu"
) -> Paints:
    """The table of the parts' paints and of the indices of their textures."""

    def floats(values: Sequence[float] | Sequence[Colour]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device)

    return Paints(
        tint=floats([p.tint for p in paints]),
        texture_share=floats([p.texture_share for p in paints]),
        pattern=torch.tensor([PATTERNS.index(p.pattern) for p in paints], device=device),
        second=floats([p.second for p in paints]),
        wave=floats([p.wave for p in paints]),
        grain=floats([p.grain for p in paints]),
        is_hair=torch.tensor([p.is_hair for p in paints], device=device),
        texture=torch.tensor(list(textures), dtype=torch.int64, device=device),
    )


def _colour(dice: Dice) -> Colour:
    """A cloth colour: any hue, often muted, often dark; black, white and grey now and then."""
    hue = dice.rand(3)
    grey = float(hue.mean())
    saturation = dice.uniform(0, 1) ** 1.5
    if dice.chance(0.2):
        saturation *= 0.1
    value = dice.uniform(0.02, 1.0) ** 0.7
    rgb = (grey + (hue - grey) * saturation) * value + 0.02
    if dice.chance(0.12):
        rgb = 1 - (1 - rgb) * 0.15
    r, g, b = rgb.clamp(0, 1).tolist()
    return r, g, b


def _denim(dice: Dice) -> Colour:
    value = dice.uniform(0.12, 0.6)
    return (0.5 * value, 0.7 * value, value)


def _wave(dice: Dice, pattern: Pattern, middle: Colour) -> Colour:
    x, y, _ = middle
    if pattern in _PRINTS:
        return (
            x + dice.uniform(-0.04, 0.04),
            y + dice.uniform(-0.06, 0.04),
            dice.uniform(0.04, 0.12),
        )
    if pattern == "halves":
        return (0.0, y + dice.uniform(-0.15, 0.12), 0.0)
    direction = dice.choice(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.7, 0.7, 0.0)))
    frequency = 2 * math.pi / math.exp(dice.uniform(math.log(0.02), math.log(0.14)))
    a, b, c = (frequency * d for d in direction)
    return (a, b, c)


def sample_cloth_paint(dice: Dice, textured: bool, chest: Colour | None = None) -> Paint:
    """Cloth: its own texture, tinted or bleached, or a colour with or without a pattern.

    Args:
        dice: The person's random numbers.
        textured: Whether the garment has a texture.
        chest: The middle of the chest in the rest pose [m], where prints go; None: no prints.
    """
    keep_texture = textured and dice.chance(0.65)
    pattern: Pattern = "plain"
    if chest is not None and dice.chance(0.2):
        pattern = dice.choice(("disc", "blocks", "fade", "halves"))
    elif not keep_texture and dice.chance(0.45):
        pattern = dice.choice(
            ("stripes", "stripes", "checks", "plaid", "plaid", "dots", "camouflage")
        )
    tint = _denim(dice) if dice.chance(0.12) else _colour(dice)
    share = 0.0
    if keep_texture:
        share = 1.0
        r, g, b = (0.6 + 0.6 * t if dice.chance(0.5) else 1.0 for t in tint)
        tint = (r, g, b)
    wave = _wave(dice, pattern, chest or (0.0, 0.0, 0.0))
    grain = dice.uniform(0, 0.25) if dice.chance(0.5) else 0.0
    return Paint(tint, share, pattern, _colour(dice), wave, grain)


def sample_shoe_paint(dice: Dice, textured: bool) -> Paint:
    """Shoes: leather or canvas, with or without their texture."""
    if textured and dice.chance(0.6):
        gain = dice.uniform(0.5, 1.3)
        return Paint((gain, gain * dice.uniform(0.9, 1.1), gain * dice.uniform(0.85, 1.1)), 1.0)
    return Paint(_colour(dice), 0.5 if textured else 0.0)


def sample_frame_paint(dice: Dice) -> Paint:
    """Frames of glasses: mostly black or brown, else metal or any colour."""
    value = dice.uniform(0.02, 0.2)
    any_colour = _colour(dice)
    return Paint(
        dice.choice(
            ((value, value, value), (value, 0.6 * value, 0.4 * value), (0.6, 0.58, 0.5), any_colour)
        ),
        0.0,
    )


def sample_hair_paint(dice: Dice) -> Paint:
    """Hair: the strands of the texture in a natural colour, grey now and then; dyed rarely."""
    base = _colour(dice) if dice.chance(0.03) else dice.choice(_HAIR)
    gain = dice.uniform(0.6, 1.5)
    return Paint((base[0] * gain, base[1] * gain, base[2] * gain), 1.0, is_hair=True)


def sample_skin_paint(dice: Dice) -> Paint:
    """Skin: its texture, a little lighter or darker, warmer or paler."""
    gain = dice.uniform(0.7, 1.15)
    warm = dice.uniform(-0.06, 0.06)
    return Paint((gain * (1 + warm), gain, gain * (1 - warm)), 1.0)


def sample_eye_paint(dice: Dice) -> Paint:
    """Eyes: their texture, a little darker or of another shade."""
    r, g, b = (dice.uniform(0.75, 1.0) for _ in range(3))
    return Paint((r, g, b), 1.0)


OPAQUE = 0.4
"""From which opacity on a texture is drawn."""


def sample_textures(textures: torch.Tensor, index: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
    """Bilinear values (N, 4) in [0, 1] of textures that repeat; one where the index is -1.

    Args:
        textures: (T, 4, S, S) uint8, rows from the bottom up.
        index: (N,) int64, the texture of each point.
        uv: (N, 2).
    """
    size = textures.shape[-1]
    texels = textures.permute(0, 2, 3, 1).reshape(-1).view(torch.int32)
    place = (uv - uv.floor()) * size - 0.5
    low = place.floor()
    t = place - low
    low = low.long()
    # A sample half a texel outside is the border's, as images are not all tileable.
    x0, y0 = low.clamp(min=0).unbind(1)
    x1, y1 = (low + 1).clamp(max=size - 1).unbind(1)
    first = index.clamp(min=0) * (size * size)
    lower, upper = first + y0 * size, first + y1 * size

    def at(place: torch.Tensor) -> torch.Tensor:
        return texels[place].view(torch.uint8).view(-1, 4).float()

    tx, ty = t[:, :1], t[:, 1:]
    below = torch.lerp(at(lower + x0), at(lower + x1), tx)
    above = torch.lerp(at(upper + x0), at(upper + x1), tx)
    values = torch.lerp(below, above, ty).mul_(1 / 255)
    return values.masked_fill_((index < 0)[:, None], 1.0)


def _soft(x: torch.Tensor, sharpness: float = 3.0) -> torch.Tensor:
    """0 to 1 over a narrow edge, so that patterns do not flicker between pixels."""
    return (0.5 + sharpness * x).clamp(0, 1)


def _pattern_share(pattern: Pattern, wave: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
    """(N,) share of the second colour at rest positions (N, 3), each with its wave (N, 3)."""
    x, y, z = rest.unbind(1)
    if pattern in _PRINTS:
        # On the chest only: in front.
        a, b = (x - wave[:, 0]) / wave[:, 2], (y - wave[:, 1]) / wave[:, 2]
        front = (z > 0.02).float()
        if pattern == "disc":
            r = (a * a + b * b).sqrt()
            return _soft(1 - r, 8.0) * (1 - _soft(0.25 - (r - 0.65).abs(), 8.0) * 0.7) * front
        inside = front * _soft(1 - torch.maximum(a.abs(), b.abs()), 8.0)
        if pattern == "fade":
            return inside * (0.5 - 0.5 * b).clamp(0, 1)
        # Letters and blocks: cells that are on or off by their number.
        cell = (a * 3).floor() * 7.13 + (b * 2.5).floor() * 3.71 + wave[:, 2] * 997
        return inside * ((cell * 12.9898).sin() * 43758.5).remainder(1.0).round()
    if pattern == "halves":
        return _soft(wave[:, 1] - y, 100.0)
    phase = (rest * wave).sum(1)
    across = x * wave[:, 1] + y * wave[:, 0]
    if pattern == "stripes":
        return _soft(phase.sin())
    if pattern == "checks":
        return _soft(phase.sin() * across.sin() * 2)
    if pattern == "plaid":
        wide = 0.4 * _soft(phase.sin()) + 0.4 * _soft(across.sin())
        return wide + 0.2 * _soft((phase * 3).sin() - 0.9, 5.0)
    if pattern == "dots":
        return _soft(phase.cos() + across.cos() - 1.1)
    size = 0.6 * wave.norm(dim=1)
    value = (size * x + 1.3 * (size * 0.7 * y).sin()).sin() + (size * y + (size * z).sin()).sin()
    value = value + 0.6 * (1.7 * size * (x - y) + 2 * (size * z).sin()).sin()
    return 0.55 * _soft(value - 0.2) + 0.45 * _soft(value - 1.0)


def _grain(rest: torch.Tensor) -> torch.Tensor:
    """(N,) fine variation around zero at several scales, from 1 to 8 cm."""
    x, y, z = rest.unbind(1)
    value = (520 * x + 3 * (90 * y).sin()).sin() * (430 * y + 2 * (110 * z).sin()).sin()
    value = value + (150 * x + 70 * z + 2 * (60 * y).sin()).sin() * (130 * y - 60 * z).sin()
    return 0.5 * value


def albedo_of(
    paints: Paints,
    textures: torch.Tensor,
    part: torch.Tensor,
    uv: torch.Tensor,
    rest: torch.Tensor,
) -> torch.Tensor:
    """Albedo of points of any number of people at once.

    Args:
        paints: One row a part.
        textures: (T, 4, S, S) uint8.
        part: (N,) int64 row of the paints.
        uv: (N, 2).
        rest: (N, 3) positions in rest pose [m].

    Returns:
        (N, 3) in [0, 1], sRGB-like.
    """
    tint = paints.tint[part]
    share = paints.texture_share[part] * (paints.texture[part] >= 0)
    albedo = tint.clone()
    rows = torch.nonzero(share > 0)[:, 0]
    of_row = part[rows]
    value = sample_textures(textures, paints.texture[of_row], uv[rows])[:, :3]
    bright = value.mean(1, keepdim=True) / 0.45
    value = torch.where(paints.is_hair[of_row][:, None], bright, value)
    albedo[rows] *= torch.lerp(torch.ones_like(value), value, share[rows, None])
    pattern = paints.pattern[part]
    for i in torch.unique(paints.pattern).tolist():
        if PATTERNS[i] == "plain":
            continue
        rows = torch.nonzero(pattern == i)[:, 0]
        of_row = part[rows]
        amount = _pattern_share(PATTERNS[i], paints.wave[of_row], rest[rows])
        albedo[rows] = torch.lerp(albedo[rows], paints.second[of_row], amount[:, None])
    rows = torch.nonzero(paints.grain[part] > 0)[:, 0]
    albedo[rows] *= (1 + paints.grain[part[rows]] * _grain(rest[rows]))[:, None]
    return albedo.clamp_(0, 1)
