"""Places behind a person: walls, floors, furniture, blinds, leaves; out of focus or plain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from pifuhd_ros.synthetic.blur import blur
from pifuhd_ros.synthetic.noise import smooth_noise, uniform

_BOXES = 6
_FOLIAGE_CELLS = (6, 14, 32, 80)
_WALL_CELLS = (2, 5, 90)
_BLURS_PX = (4, 12)
"""At half the size: of the out-of-focus versions that a background is mixed from."""


@dataclass(frozen=True)
class _Canvas:
    """What every layer needs: the batch, the pixels' places, the source of chance."""

    count: int
    size_px: int
    x: torch.Tensor
    """(1, 1, 1, n) in [0, 1], to the right."""
    y: torch.Tensor
    """(1, 1, n, 1) in [0, 1], downwards."""
    generator: torch.Generator
    device: torch.device

    def rand(self, low: float = 0.0, high: float = 1.0, channels: int = 1) -> torch.Tensor:
        """(B, channels, 1, 1) numbers in [low, high)."""
        shape = (self.count, channels, 1, 1)
        return uniform(self.generator, low, high, *shape, device=self.device)

    def chance(self, probability: float) -> torch.Tensor:
        """(B, 1, 1, 1) of 0 and 1."""
        return (self.rand() < probability).float()

    def colour(self, low: float, high: float, tint: float) -> torch.Tensor:
        """(B, 3, 1, 1) colours of brightness [low, high): mostly between brown and bluish gray."""
        warm = torch.tensor([1.0, 0.1, -1.0], device=self.device)[None, :, None, None]
        vivid = tint * (0.25 + 1.5 * self.chance(0.12))
        colour = self.rand(low, high) + tint * self.rand(-0.5, 1) * warm
        return (colour + vivid * self.rand(-1, 1, 3)).clamp(0.02, 0.98)

    def noise(self, channels: int, cells: int) -> torch.Tensor:
        """See ``smooth_noise``."""
        cells = min(cells, self.size_px)
        args = (self.count, channels, self.size_px, cells, self.generator, self.device)
        return smooth_noise(*args)

    def edge(self, distance: torch.Tensor) -> torch.Tensor:
        """1 where a distance, in image sides, is positive, 0 where negative, a pixel between."""
        return (distance * self.size_px + 0.5).clamp(0, 1)


def _wave(phase: torch.Tensor) -> torch.Tensor:
    """Triangle wave of period 1 in [0, 1]."""
    return 2 * (phase - phase.floor() - 0.5).abs()


def _wall(canvas: _Canvas) -> torch.Tensor:
    """(B, 3, n, n) paint or plaster, lit unevenly, some with stripes, blinds or tiles."""
    wall = canvas.colour(0.2, 0.95, 0.1).expand(-1, -1, canvas.size_px, canvas.size_px)
    for cells in _WALL_CELLS:
        wall = wall + canvas.rand(0, 1) ** 2 * 0.06 * canvas.noise(1, cells)
    period = canvas.rand(0.03, 0.25)
    # Upright, level, or at a slight angle, as one who stands aslant sees it.
    turn = canvas.chance(0.5) * math.pi / 2 + canvas.rand(-0.08, 0.08)
    along = (canvas.x * turn.cos() + canvas.y * turn.sin()) / period + canvas.rand()
    across = (canvas.y * turn.cos() - canvas.x * turn.sin()) / (period * canvas.rand(0.4, 2))
    sharp = canvas.size_px * period / 2
    stripes = ((_wave(along) - canvas.rand(0.1, 0.9)) * sharp + 0.5).clamp(0, 1)
    joint = torch.maximum(_wave(along), _wave(across))
    tiles = ((joint - canvas.rand(0.9, 0.97)) * sharp + 0.5).clamp(0, 1)
    pattern = torch.where(canvas.chance(0.5) > 0, stripes, tiles)
    strength = canvas.chance(0.4) * canvas.rand(0.1, 0.8)
    return wall + pattern * strength * (canvas.colour(0.1, 0.9, 0.1) - wall)


def _foliage(canvas: _Canvas) -> torch.Tensor:
    """(B, 3, n, n) leaves and grass, light between dark."""
    depth = sum(canvas.noise(1, cells) / math.sqrt(i + 1) for i, cells in enumerate(_FOLIAGE_CELLS))
    light = torch.sigmoid(1.5 * torch.as_tensor(depth))
    green = torch.tensor([0.55, 0.75, 0.3], device=canvas.device)[None, :, None, None]
    leaf = green * canvas.rand(0.4, 1.1) * (1 + canvas.rand(-0.25, 0.25, 3))
    gap = canvas.rand(0.0, 0.25) + canvas.chance(0.3) * canvas.rand(0.3, 0.7) * canvas.rand(
        0.8, 1, 3
    )
    return gap + light * (leaf - gap)


def _floor(canvas: _Canvas, horizon: torch.Tensor) -> torch.Tensor:
    """(B, 3, n, n) a floor that recedes to the horizon (B, 1, 1, 1), some tiled."""
    below = (canvas.y - horizon).clamp(min=0) + 0.04
    floor = canvas.colour(0.15, 0.8, 0.08) * (0.85 + 0.5 * below)
    floor = floor + canvas.rand(0, 0.06) * canvas.noise(1, 40)
    far = canvas.rand(0.08, 0.4) / below
    aside = (canvas.x - canvas.rand(-0.5, 1.5)) / below * canvas.rand(0.4, 3)
    lines = torch.maximum(_wave(far + canvas.rand()), _wave(aside) * canvas.chance(0.7))
    # Fine lines far away blur into nothing.
    clear = (below * 8).clamp(0, 1)
    joints = ((lines - 0.9) * 12).clamp(0, 1) * clear * canvas.chance(0.6)
    return floor * (1 - joints * canvas.rand(-0.2, 0.7))


def _with_box(canvas: _Canvas, image: torch.Tensor, horizon: torch.Tensor) -> torch.Tensor:
    """The image with one more cupboard, picture, door, window or lamp, in some of the batch."""
    stands = canvas.chance(0.6)
    width, height = canvas.rand(0.03, 0.4), canvas.rand(0.05, 0.6)
    middle = canvas.rand(-0.05, 1.05)
    foot = horizon + canvas.rand(0.0, 0.25)
    bottom = torch.where(stands > 0, foot, canvas.rand(0.05, 0.8))
    dx = width / 2 - (canvas.x - middle).abs()
    dy = torch.minimum(canvas.y - (bottom - height), bottom - canvas.y)
    inside = canvas.edge(torch.minimum(dx, dy)) * canvas.chance(0.65)
    colour = canvas.colour(0.05, 0.95, 0.15)
    fill = colour + canvas.rand(-0.3, 0.3) * (canvas.y - bottom + height / 2)
    fill = fill + canvas.rand(0, 0.06) * (canvas.x - middle) / width
    # Drawers, shelves, panes: parts of other brightness.
    part = (canvas.y / canvas.rand(0.04, 0.3) + canvas.rand()).floor()
    part = part + 3 * (canvas.x / canvas.rand(0.03, 0.4) + canvas.rand()).floor()
    uneven = torch.sin(part * canvas.rand(1, 9)) * canvas.chance(0.5) * canvas.rand(0, 0.25)
    frame = canvas.edge(canvas.rand(0.002, 0.012) - torch.minimum(dx, dy)) * canvas.rand(-0.3, 0.2)
    fill = fill + uneven + frame
    return image + inside * (fill - image)


def _defocus(canvas: _Canvas, image: torch.Tensor) -> torch.Tensor:
    """The image out of focus, each of the batch by another amount."""
    levels = [image]
    for width in _BLURS_PX:
        coarse = F.adaptive_avg_pool2d(image, max(2, image.shape[-1] // width))
        coarse = blur(coarse, torch.full((canvas.count, 2), 0.8, device=canvas.device))
        size = (image.shape[-1],) * 2
        levels.append(F.interpolate(coarse, size=size, mode="bilinear", align_corners=False))
    amount = canvas.rand(-1.0, len(_BLURS_PX))
    shares = [(1 - (amount.clamp(min=0) - i).abs()).clamp(min=0) for i in range(len(levels))]
    return sum((w * level for w, level in zip(shares, levels, strict=True)), torch.zeros(()))


def sample_backgrounds(
    count: int,
    size_px: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Backgrounds (count, 3, size_px, size_px) in [0, 1], as a file stores them.

    Rooms with a floor, a wall and things in front of it; gardens; plain walls. Drawn at half the
    size and enlarged: a camera that is focused on a person shows no more of what is behind.
    """
    device = torch.device(device)
    n = max(8, size_px // 2)
    place = (torch.arange(n, device=device) + 0.5) / n
    x, y = place.view(1, 1, 1, n), place.view(1, 1, n, 1)
    canvas = _Canvas(count, n, x, y, generator, device)
    horizon = canvas.rand(0.5, 1.1)
    wall = _wall(canvas)
    image = torch.where(canvas.chance(0.25) > 0, _foliage(canvas), wall)
    image = image + canvas.edge(y - horizon) * (_floor(canvas, horizon) - image)
    for _ in range(_BOXES):
        image = _with_box(canvas, image, horizon)
    image = torch.where(canvas.chance(0.12) > 0, wall, image)
    image = image * (1 + canvas.rand(0, 0.15) * canvas.noise(1, 2))
    image = _defocus(canvas, image)
    size = (size_px, size_px)
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False).clamp(0, 1)
