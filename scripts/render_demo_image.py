#!/usr/bin/env python3
"""Renders the photo-like image that ``make demo`` uses: one held-out person in a plain room."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch.nn import functional as F

from pifuhd_ros.body.model import load_body
from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.synthetic.light import Lights, shade, to_display
from pifuhd_ros.synthetic.occlusion import ambient_occlusion
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.placement import place_person
from pifuhd_ros.synthetic.render import render_views
from pifuhd_ros.synthetic.volume import occupancy_volumes
from pifuhd_ros.synthetic.wardrobe import load_wardrobe

_HEIGHT, _WIDTH = 1200, 900


def _room(height: int, width: int, foot_row: float, foot_column: float) -> torch.Tensor:
    """(3, H, W): a wall, a floor, and the soft shadow of somebody standing on it."""
    v = torch.arange(height)[:, None].expand(height, width) / height
    u = torch.arange(width)[None].expand(height, width) / width
    wall = torch.tensor([0.78, 0.8, 0.79])[:, None, None] * (0.8 + 0.25 * u - 0.15 * (v - 0.3) ** 2)
    floor = torch.tensor([0.5, 0.44, 0.38])[:, None, None] * (0.7 + 0.5 * v)
    blend = ((v - 0.83) * 60).sigmoid()
    near = ((u - foot_column) / 0.2) ** 2 + ((v - foot_row) / 0.02) ** 2
    return ((1 - blend) * wall + blend * floor) * (1 - 0.55 * (-near).exp())


def main() -> None:
    """Writes the image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assets", type=Path, help="packed assets, textures of 512 px")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=2_000_020)
    parser.add_argument("--yaw", type=float, default=-15.0, help="degrees")
    args = parser.parse_args()
    people = sample_people(load_wardrobe(args.assets), load_body(), [args.seed], "held_out")
    fill = 0.86
    drawn = people.vertices[people.faces.unique()]
    placement = place_person(drawn, view_rotation(args.yaw, 4), fill, distance_m=3.5)
    views = render_views(people, [0], [placement], 2400)
    mask = views.mask.float()
    occlusion = ambient_occlusion(
        occupancy_volumes(people, views), views.z_front, views.normal_front, mask[:, None], 300
    )
    key = F.normalize(torch.tensor([[[-0.6, 0.7, 0.9], [0.9, 0.3, 0.2]]]), dim=-1)
    # The same from everywhere, and a little more from above.
    environment = torch.zeros(1, 9, 3)
    environment[:, 0] = torch.tensor([0.42, 0.43, 0.46]) / 0.28
    environment[:, 1] = 0.25
    colours = torch.tensor([[[0.55, 0.53, 0.48], [0.15, 0.15, 0.19]]])
    lights = Lights(environment, key, colours, torch.full((1, 2), 0.3))
    light = shade(views.albedo, views.normal_front, lights, occlusion)
    person_colours = to_display(light)[0]
    side = (2400 - 2 * _WIDTH) // 2
    foot = (0.5 + fill / 2) - 0.008
    room = _room(_HEIGHT, _WIDTH, foot, 0.5)
    image = F.avg_pool2d((person_colours * mask)[None], 2)[0]
    cover = F.avg_pool2d(mask[None], 2)[0]
    half = side // 2
    image, cover = image[:, :, half : half + _WIDTH], cover[:, :, half : half + _WIDTH]
    photo = (image + (1 - cover) * room).clamp(0, 1)
    pixels = (photo * 255).round().byte().permute(1, 2, 0)
    Image.fromarray(pixels.numpy()).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
