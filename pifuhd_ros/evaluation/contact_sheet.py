"""Pictures in rows and columns, with titles above and words below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

Picture = npt.NDArray[np.uint8]
"""(H, W, 3) sRGB."""

TILE_PX = 320
LINE_PX = 16
_INK, _PAPER = "black", "white"
_BLANK = np.full((8, 8, 3), 236, np.uint8)


@dataclass(frozen=True)
class SheetRow:
    """One row of a sheet."""

    tiles: Sequence[Picture | None]
    """Of any size; each is fitted into its place. None leaves it blank."""
    captions: Sequence[str] = field(default=())
    """Lines below; long ones are wrapped."""


def save_contact_sheet(titles: Sequence[str], rows: Sequence[SheetRow], path: Path) -> None:
    """Draw the rows under one line of titles.

    Args:
        titles: of the columns.
        rows: at least one.
        path: of the PNG; its folder is made.

    Raises:
        ValueError: there is no row, or a row has another number of tiles.
    """
    from PIL import Image, ImageDraw

    if not rows:
        raise ValueError("there is no row to draw")
    if any(len(row.tiles) != len(titles) for row in rows):
        raise ValueError(f"every row needs {len(titles)} tiles, one for each title")
    characters = TILE_PX * len(titles) // 7
    captions = [
        [line for caption in row.captions for line in textwrap.wrap(caption, characters)]
        for row in rows
    ]
    heights = [TILE_PX + LINE_PX * (len(lines) + 1) for lines in captions]
    top = 2 * LINE_PX
    sheet = Image.new("RGB", (TILE_PX * len(titles), top + sum(heights)), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        pen.text((column * TILE_PX + 6, 8), title, fill=_INK)
    for row, lines, height in zip(rows, captions, heights, strict=True):
        for column, tile in enumerate(row.tiles):
            picture = Image.fromarray(_BLANK if tile is None else tile)
            scale = TILE_PX / max(picture.size)
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            fitted = picture.resize(size, Image.Resampling.LANCZOS)
            left = column * TILE_PX + (TILE_PX - size[0]) // 2
            sheet.paste(fitted, (left, top + (TILE_PX - size[1]) // 2))
        for number, line in enumerate(lines):
            pen.text((6, top + TILE_PX + 4 + number * LINE_PX), line, fill=_INK)
        top += height
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def normal_colours(normals: torch.Tensor) -> Picture:
    """The usual colours of a normal map (3, H, W); white where it is zero."""
    unit = torch.nn.functional.normalize(normals.detach().float().cpu(), dim=0)
    is_set = (unit.abs().sum(dim=0) > 0)[None]
    return image_colours(torch.where(is_set, unit * 0.5 + 0.5, torch.ones_like(unit)))


def image_colours(image: torch.Tensor) -> Picture:
    """An image (3, H, W) in [0, 1]."""
    pixels: Picture = (
        (image.detach().float().cpu().clamp(0, 1) * 255).round().permute(1, 2, 0).byte().numpy()
    )
    return pixels


def mask_colours(mask: npt.NDArray[np.float32]) -> Picture:
    """A mask (H, W) in [0, 1], the person white."""
    gray = np.rint(mask.clip(0, 1) * 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def with_box(picture: Picture, box_xyxy_px: npt.NDArray[np.float64]) -> Picture:
    """The picture with a box drawn on it, as far as it lies within."""
    height, width = picture.shape[:2]
    line = max(1, round(max(height, width) / 200))
    left, top, right, bottom = np.rint(box_xyxy_px).astype(int).tolist()
    x, y = np.arange(width), np.arange(height)
    in_x = (x >= left - line) & (x <= right + line)
    in_y = (y >= top - line) & (y <= bottom + line)
    within_x = (x >= left) & (x <= right)
    within_y = (y >= top) & (y <= bottom)
    is_line = (in_y[:, None] & in_x) & ~(within_y[:, None] & within_x)
    return np.where(is_line[..., None], np.array([255, 64, 32], np.uint8), picture)
