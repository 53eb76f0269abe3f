"""Held-out people: made by the generator from what no training run has seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from pifuhd_ros.body.model import BodyModel, load_body
from pifuhd_ros.evaluation.ground_truth import STATURE_M, GroundTruth
from pifuhd_ros.evaluation.samples import SurfaceSamples
from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.light import sample_lights, shade
from pifuhd_ros.synthetic.person import Person, sample_person
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.render import Placement, View, place_person, render_views
from pifuhd_ros.synthetic.solid import label_points, surface_points
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe
from pifuhd_ros.types import NormalMaps, PersonCrop

FIRST_SEED = 1_000_000
"""Seeds of held-out people start here; training seeds lie far below."""
_CELL_M = 0.001
_SHELL_M = 0.002


def _model_points(placement: Placement, points: torch.Tensor) -> npt.NDArray[np.float64]:
    return placement.to_model(points).double().numpy()


def _outer_surface(person: Person, placement: Placement, count: int, seed: int) -> SurfaceSamples:
    """Points on drawn surfaces that have the solid on exactly one side, 2 mm away.

    What lies under clothes or inside hair is drawn by nobody and counts for nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    points, normals = surface_points(person, 2 * count, generator)
    sides = torch.cat([points + _SHELL_M * normals, points - _SHELL_M * normals])
    above, below = label_points(person, sides, _CELL_M).inside.chunk(2)
    outer = torch.nonzero(above != below)[:, 0][:count]
    # Cards of hair face either way: outward is where the solid is not.
    outward = torch.where(above[outer, None], -normals[outer], normals[outer])
    return SurfaceSamples(
        _model_points(placement, points[outer]), (outward @ placement.rotation.T).double().numpy()
    )


def _occupancy(
    person: Person, placement: Placement, points: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    turned = torch.from_numpy(points).float() / placement.scale + placement.centre_m
    inside: npt.NDArray[np.bool_] = label_points(
        person, turned @ placement.rotation, _CELL_M
    ).inside.numpy()
    return inside


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
    rotation = view_rotation(dice.uniform(-half_turn, half_turn), dice.uniform(-5, 12))
    view = render_views(person, [place_person(person, rotation)], 2 * size_px)[0]
    crop, normals = _crop(view, size_px, seed)
    placement = view.placement
    return GroundTruth(
        name=f"held-out {seed - FIRST_SEED:03d}",
        crop=crop,
        normals=normals,
        surface=_outer_surface(person, placement, samples, seed),
        occupancy=lambda points: _occupancy(person, placement, points),
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
