"""Pictures for floors, walls and things: painted with random numbers, sRGB in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.float32]
"""(S, S, 3)."""
Colour = tuple[float, float, float]
SIDE = 512


def cloudy(random: np.random.Generator, coarsest: int = 4, fade: float = 0.55) -> Picture:
    """(S, S, 1) noise around zero, of all sizes below S / coarsest."""
    total = np.zeros((SIDE, SIDE), np.float32)
    gain, cells = 1.0, coarsest
    while cells < SIDE:
        grid = random.standard_normal((cells, cells)).astype(np.float32)
        large = Image.fromarray(grid).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        total += gain * np.asarray(large)
        gain, cells = gain * fade, cells * 2
    return total[..., None] / max(float(np.abs(total).max()), 1e-6)


def _flat(colour: Colour) -> Picture:
    return np.broadcast_to(np.asarray(colour, np.float32), (SIDE, SIDE, 3)).copy()


def _cells(columns: int, rows: int, offset: float) -> tuple[npt.NDArray[np.int64], ...]:
    """Column and row of the brick that each pixel lies in, and its distance to the joint [px]."""
    v, u = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    row = np.floor(v / SIDE * rows).astype(np.int64)
    across = u / SIDE * columns + offset * row
    column = np.floor(across).astype(np.int64)
    x = (across - column) * SIDE / columns
    y = v - row * SIDE / rows
    joint = np.minimum.reduce([x, SIDE / columns - x, y, SIDE / rows - y])
    return column % columns, row, joint


def _laid(
    random: np.random.Generator, colour: Colour, columns: int, rows: int, offset: float,
    joint: float, uneven: float,
) -> Picture:  # fmt: skip
    column, row, away = _cells(columns, rows, offset)
    tone = 1 + uneven * random.standard_normal((rows, columns)).astype(np.float32)
    picture = _flat(colour) * tone[row, column][..., None]
    is_joint = np.clip(1.5 - away, 0, 1)[..., None].astype(np.float32)
    return picture * (1 - is_joint) + is_joint * joint


def planks(random: np.random.Generator, colour: Colour) -> Picture:
    """A wooden floor."""
    grain = cloudy(random, 8)
    streaks = np.asarray(Image.fromarray(grain[:, :32, 0]).resize((SIDE, SIDE)))[..., None]
    return _laid(random, colour, 2, 10, 0.37, 0.15, 0.12) * (1 + 0.25 * streaks)


def tiles(random: np.random.Generator, colour: Colour) -> Picture:
    """Square tiles, in one colour or two."""
    picture = _laid(random, colour, 6, 6, 0, 0.45, 0.03)
    if random.random() < 0.5:
        column, row, _ = _cells(6, 6, 0)
        picture = picture * np.where((column + row) % 2, 1.0, random.uniform(0.15, 0.6))[..., None]
    return picture.astype(np.float32)


def bricks(random: np.random.Generator, colour: Colour) -> Picture:
    """A brick wall."""
    return _laid(random, colour, 7, 20, 0.5, 0.6, 0.14) * (1 + 0.3 * cloudy(random, 32))


def plaster(random: np.random.Generator, colour: Colour) -> Picture:
    """Paint, concrete or sand: a colour that is not quite even."""
    return _flat(colour) * (1 + 0.18 * cloudy(random))


def gravel(random: np.random.Generator, colour: Colour) -> Picture:
    """Asphalt, grass or carpet: fine and rough."""
    fine = cloudy(random, 64, 0.9)
    return _flat(colour) * (1 + 0.6 * fine + 0.3 * cloudy(random))


def stripes(random: np.random.Generator, colour: Colour) -> Picture:
    """Wallpaper."""
    u = np.arange(SIDE) / SIDE * 2 * np.pi * int(random.integers(6, 14))
    share = (0.5 + 0.5 * np.sign(np.sin(u)))[None, :, None]
    other = np.asarray(colour) * random.uniform(0.5, 0.85)
    return (_flat(colour) * share + other * (1 - share)).astype(np.float32)


def poster(random: np.random.Generator, colour: Colour) -> Picture:
    """A picture on a wall, a shop's window, a shelf full of things: blots and bars."""
    picture = _flat(colour)
    v, u = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    for _ in range(int(random.integers(6, 18))):
        x, y, w, h = random.uniform(0, 1, 2).tolist() + random.uniform(0.03, 0.3, 2).tolist()
        inside = (np.abs(u - x) < w) & (np.abs(v - y) < h)
        if random.random() < 0.5:
            inside = ((u - x) / w) ** 2 + ((v - y) / h) ** 2 < 1
        picture[inside] = random.uniform(0.02, 0.95, 3)
    return picture


def books(random: np.random.Generator, colour: Colour) -> Picture:
    """Backs of books on one board."""
    picture = _flat((0.1, 0.08, 0.07))
    u = 0
    while u < SIDE:
        width = int(random.integers(8, 30))
        top = int(random.integers(0, SIDE // 4))
        own = random.uniform(0.05, 0.9, 3) * 0.6 + 0.4 * np.asarray(colour)
        picture[top:, u : u + width - 1] = own
        u += width
    return picture


PAINTERS: dict[str, Callable[[np.random.Generator, Colour], Picture]] = {
    "planks": planks,
    "tiles": tiles,
    "bricks": bricks,
    "plaster": plaster,
    "gravel": gravel,
    "stripes": stripes,
    "poster": poster,
    "books": books,
}


def save_picture(picture: Picture, path: str) -> None:
    """Writes a PNG."""
    Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8)).save(path)
