"""Held-out people: made by the generator from what no training run has seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from pifuhd_ros.body.model import BodyModel, load_body
from pifuhd_ros.evaluation.ground_truth import STATURE_M, GroundTruth
from pifuhd_ros.evaluation.person_solid import PersonSolid
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.geometry.crop_transforms import crop_from_model
from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.light import sample_lights, shade
from pifuhd_ros.synthetic.person import sample_person
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.render import View, place_person, render_views
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe
from pifuhd_ros.types import Frame, NormalMaps

FIRST_SEED = 1_000_000
"""Seeds of held-out people start here; training seeds lie far below."""
PHOTO_PX = 768
"""Side of the photos."""
_SUPERSAMPLING = 2


@dataclass(frozen=True)
class HeldOutPeople:
    """The people that every evaluation measures, each made when asked for."""

    wardrobe: Wardrobe
    body: BodyModel
    seed: int = 0
    """Of the first person, counted from FIRST_SEED."""
    photo_px: int = PHOTO_PX
    samples: int = 100_000
    """Points on each true surface."""

    @staticmethod
    def from_assets(assets: Path, seed: int, photo_px: int, samples: int) -> HeldOutPeople:
        """Load what they are made of.

        Raises:
            AssetError: the packed assets are not there.
        """
        return HeldOutPeople(load_wardrobe(assets), load_body(), seed, photo_px, samples)

    def make(self, number: int) -> GroundTruth:
        """One of them, the same every time, seen from the front more often than from behind."""
        seed = FIRST_SEED + self.seed + number
        person = sample_person(self.wardrobe, self.body, seed, "held_out")
        dice = Dice(seed + 1_000_003)
        half_turn = 60.0 if dice.chance(0.7) else 180.0
        rotation = view_rotation(dice.uniform(-half_turn, half_turn), dice.uniform(-4, 6))
        fill = dice.uniform(0.55, 0.85)
        room = 0.7 * (1 - fill)
        shift = (dice.uniform(-room, room), dice.uniform(-room, room))
        placement = place_person(person, rotation, fill, shift)
        view = render_views(person, [placement], _SUPERSAMPLING * self.photo_px)[0]
        solid = PersonSolid.of(person, placement)
        mesh = solid.outer_surface()
        photo, mask = _take_photo(view, torch.Generator().manual_seed(seed))
        return GroundTruth(
            name=f"held-out {seed - FIRST_SEED:03d}",
            photo=photo,
            mask=mask,
            normals=NormalMaps(_small(view.normal_front, view), _small(view.normal_back, view)),
            mesh=mesh,
            surface=sample_surface(mesh, self.samples, seed),
            occupancy=solid.contains,
            metres_per_unit=STATURE_M / (person.stature_m * placement.scale),
            image_from_model=_small_from_large() @ crop_from_model(view.mask.shape[-1]),
        )


def _small_from_large() -> npt.NDArray[np.float64]:
    """Pixels of what is averaged over squares, from pixels before; (3, 3)."""
    scale = 1 / _SUPERSAMPLING
    shift = 0.5 * scale - 0.5
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1.0]])


def _take_photo(view: View, generator: torch.Generator) -> tuple[Frame, npt.NDArray[np.float32]]:
    """The lit view over a blurred background, and its mask."""
    colours = shade(view.albedo[None], view.normal_front[None], sample_lights(1, generator))
    large_mask = view.mask.float()[None, None]
    mask = F.avg_pool2d(large_mask, _SUPERSAMPLING)
    size = mask.shape[-1]
    gray = torch.rand(1, 1, 9, 9, generator=generator)
    background = 0.75 * gray + 0.25 * torch.rand(1, 3, 9, 9, generator=generator)
    background = F.interpolate(background, (size, size), mode="bilinear", align_corners=True)
    image = F.avg_pool2d(colours * large_mask, _SUPERSAMPLING) + background * (1 - mask)
    rgb = (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous()
    return Frame(rgb=rgb.numpy()), mask[0, 0].numpy()


def _small(normals: torch.Tensor, view: View) -> torch.Tensor:
    """Normals (3, S, S) averaged to the photo's size, zero where less than half is covered."""
    cover = F.avg_pool2d(view.mask.float()[None, None], _SUPERSAMPLING)
    return (unit(F.avg_pool2d(normals[None], _SUPERSAMPLING), 1) * (cover > 0.5))[0]
