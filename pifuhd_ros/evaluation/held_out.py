"""Held-out people: made by the generator from what no training run has seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from pifuhd_ros.body.model import BodyModel, load_body
from pifuhd_ros.evaluation.ground_truth import STATURE_M, GroundTruth
from pifuhd_ros.evaluation.person_solid import PersonSolid
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.light import sample_lights, shade
from pifuhd_ros.synthetic.person import sample_person
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.render import View, place_person, render_views
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe
from pifuhd_ros.types import NormalMaps, PersonCrop

FIRST_SEED = 1_000_000
"""Seeds of held-out people start here; training seeds lie far below."""


def _crop(view: View, coarse_size: int, seed: int) -> tuple[PersonCrop, NormalMaps]:
    """The lit view at half its size, and the true normals at ``coarse_size``."""
    generator = torch.Generator().manual_seed(seed)
    colours = shade(view.albedo[None], view.normal_front[None], sample_lights(1, generator))
    mask = view.mask.float()[None, None]
    image, cover = F.avg_pool2d(colours * mask, 2)[0], F.avg_pool2d(mask, 2)[0, 0]
    size = image.shape[-1]
    crop = PersonCrop(image=image, mask=cover, image_from_crop=np.eye(3))
    shrink = view.mask.shape[0] // coarse_size
    seen = (F.avg_pool2d(mask, shrink) > 0.5).float()

    def small(normals: torch.Tensor) -> torch.Tensor:
        return (unit(F.avg_pool2d(normals[None], shrink), 1) * seen)[0]

    assert size % coarse_size == 0
    return crop, NormalMaps(small(view.normal_front), small(view.normal_back))


def make_ground_truth(
    wardrobe: Wardrobe, body: BodyModel, seed: int, size_px: int, samples: int
) -> GroundTruth:
    """One held-out person, seen from the front half more often than from behind.

    Args:
        wardrobe: The packed assets.
        body: The parametric body.
        seed: At least FIRST_SEED.
        size_px: Of the crop; the true normal maps have the same size.
        samples: Points on the true surface.
    """
    person = sample_person(wardrobe, body, seed, "held_out")
    dice = Dice(seed + 1_000_003)
    half_turn = 60.0 if dice.chance(0.7) else 180.0
    rotation = view_rotation(dice.uniform(-half_turn, half_turn), dice.uniform(-4, 6))
    view = render_views(person, [place_person(person, rotation)], 2 * size_px)[0]
    crop, normals = _crop(view, size_px, seed)
    placement = view.placement
    solid = PersonSolid.of(person, placement)
    return GroundTruth(
        name=f"held-out {seed - FIRST_SEED:03d}",
        crop=crop,
        normals=normals,
        surface=sample_surface(solid.outer_surface(), samples, seed),
        occupancy=solid.contains,
        metres_per_unit=STATURE_M / (person.stature_m * placement.scale),
    )


def held_out_people(
    assets: Path, count: int, size_px: int = 512, samples: int = 100_000, seed: int = 0
) -> Iterator[GroundTruth]:
    """Makes held-out people one at a time, the same ones every time.

    Args:
        assets: Packed assets.
        count: How many.
        size_px: Of the crops.
        samples: Points on each true surface.
        seed: Of the first person, counted from FIRST_SEED.

    Raises:
        AssetError: The assets are not there.
    """
    wardrobe, body = load_wardrobe(assets), load_body()
    for index in range(count):
        yield make_ground_truth(wardrobe, body, FIRST_SEED + seed + index, size_px, samples)
