#!/usr/bin/env python3
"""Draws docs/people.jpg: made people as photo, albedo, normals, and slices through their solids."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from tqdm import tqdm

from pifuhd_ros.body.model import load_body
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.photograph import take_photo
from pifuhd_ros.synthetic.placement import Placement
from pifuhd_ros.synthetic.solid import Solid
from pifuhd_ros.synthetic.synthesis import SynthesisConfig, person_maker, synthesize
from pifuhd_ros.synthetic.wardrobe import load_wardrobe

_HEIGHT, _WIDTH = 208, 132
_COLUMNS = 3
_GREY = 0.93


def _slices(people: People, placements: Sequence[Placement]) -> torch.Tensor:
    """(P, 3, S, S): where the plane z = 0 of each model box is inside (grey), and x = 0 (red)."""
    solid = Solid(people, 0.002)
    size = _HEIGHT
    axis = torch.linspace(-1, 1, size)
    y, across = torch.meshgrid(-axis, axis, indexing="ij")
    zero = torch.zeros_like(y)
    result = []
    for i, placement in enumerate(placements):
        tiles = []
        for plane in (torch.stack([across, y, zero], -1), torch.stack([zero, y, across], -1)):
            points = solid.snap(placement.to_person(plane.reshape(-1, 3)))
            person = torch.full((len(points),), i)
            tiles.append(solid.contains(points, person).view(size, size).float())
        front, side = tiles
        result.append(
            torch.stack(
                [1 - 0.6 * front, 1 - 0.6 * front.maximum(side), 1 - 0.6 * front.maximum(side)]
            )
        )
    return torch.stack(result)


def _tile(square: torch.Tensor, is_wide: bool) -> torch.Tensor:
    """(3, S, S) as (3, _HEIGHT, _WIDTH): cut at the sides, or smaller for who is wide."""
    side = _WIDTH if is_wide else _HEIGHT
    small = torch.nn.functional.interpolate(square[None], size=(side, side), mode="area")[0]
    cut = (side - _WIDTH) // 2
    pad = (_HEIGHT - side) // 2
    return torch.nn.functional.pad(
        small[:, :, cut : cut + _WIDTH], (0, 0, pad, _HEIGHT - side - pad), value=_GREY
    )


def _on_grey(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return torch.where(mask[:, None], values, _GREY)


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assets", type=Path, help="packed assets")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=("train", "held_out"), default="train")
    args = parser.parse_args()
    make = person_maker(load_wardrobe(args.assets), load_body(), args.split)
    config = SynthesisConfig(size_px=416, views=1)
    blocks: list[torch.Tensor] = []
    for first in tqdm(range(args.seed, args.seed + args.count, 4), unit="people", unit_scale=4):
        seeds = range(first, min(first + 4, args.seed + args.count))
        views = (made := synthesize(make, seeds, config)).views
        generator = torch.Generator().manual_seed(first)
        photo = take_photo(
            views.albedo, views.normal_front, views.mask[:, None].float(), made.occlusion, generator
        )
        maps = [
            photo.image,
            _on_grey(views.albedo, views.mask),
            _on_grey(views.normal_front / 2 + 0.5, views.mask),
            _on_grey(views.normal_back / 2 + 0.5, views.mask),
            _slices(make(seeds), views.placements),
        ]
        margin = round(views.mask.shape[-1] * (1 - _WIDTH / _HEIGHT) / 2)
        for i, mask in enumerate(views.mask):
            is_wide = bool(mask[:, :margin].any() | mask[:, -margin:].any())
            blocks.append(torch.cat([_tile(square[i], is_wide) for square in maps], 2))
    blocks += [torch.ones_like(blocks[0])] * (-len(blocks) % _COLUMNS)
    rows = [torch.cat(blocks[i : i + _COLUMNS], 2) for i in range(0, len(blocks), _COLUMNS)]
    sheet = (torch.cat(rows, 1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    Image.fromarray(sheet.numpy()).save(args.out, quality=80)


if __name__ == "__main__":
    main()
