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
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.occlusion import Occlusion, ambient_occlusion
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.photograph import take_photo
from pifuhd_ros.synthetic.placement import sample_placement
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.render import Views, render_views
from pifuhd_ros.synthetic.volume import occupancy_volumes
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
        people = sample_people(self.wardrobe, self.body, [seed], "held_out")
        dice = Dice(seed + 1_000_003)
        facing = dice.chance(0.7)
        fill = dice.uniform(0.55, 0.85)
        room = 0.7 * (1 - fill)
        shift = (dice.uniform(-room, room), dice.uniform(-room, room))
        drawn = people.vertices[people.faces.unique()]
        placement = sample_placement(drawn, dice, facing, fill, shift)
        views = render_views(people, [0], [placement], _SUPERSAMPLING * self.photo_px)
        solid = PersonSolid.of(people, 0, placement)
        mesh = solid.outer_surface()
        photo, mask = _photograph(people, views, torch.Generator().manual_seed(seed))
        stature_m = float(people.stature_m[0])
        return GroundTruth(
            name=f"held-out {seed - FIRST_SEED:03d}",
            photo=photo,
            mask=mask,
            normals=NormalMaps(_small(views.normal_front, views), _small(views.normal_back, views)),
            mesh=mesh,
            surface=sample_surface(mesh, self.samples, seed),
            occupancy=solid.contains,
            metres_per_unit=STATURE_M / (stature_m * placement.scale),
            image_from_model=_small_from_large() @ crop_from_model(views.mask.shape[-1]),
            inverse_distance=placement.inverse_distance,
        )


def _small_from_large() -> npt.NDArray[np.float64]:
    """Pixels of what is averaged over squares, from pixels before; (3, 3)."""
    scale = 1 / _SUPERSAMPLING
    shift = 0.5 * scale - 0.5
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1.0]])


def _photograph(
    people: People, views: Views, generator: torch.Generator
) -> tuple[Frame, npt.NDArray[np.float32]]:
    """The photo and the true mask, averaged over squares of pixels."""
    occlusion = ambient_occlusion(
        occupancy_volumes(people, views),
        views.z_front,
        views.normal_front,
        views.mask[:, None].float(),
    )
    large = views.mask[:, None].float()

    def small(maps: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(maps, _SUPERSAMPLING)

    mask = small(large)
    inside = mask.clamp(min=1e-3)
    photo = take_photo(
        small(views.albedo) / inside,
        unit(small(views.normal_front), 1),
        mask,
        Occlusion(small(occlusion.ambient), unit(small(occlusion.bent), 1)),
        generator,
    )
    rgb = (photo.image[0] * 255).round().byte().permute(1, 2, 0).contiguous()
    return Frame(rgb=rgb.numpy()), mask[0, 0].numpy()


def _small(normals: torch.Tensor, views: Views) -> torch.Tensor:
    """Normals (3, S, S) averaged to the photo's size, zero where less than half is covered."""
    cover = F.avg_pool2d(views.mask[:, None].float(), _SUPERSAMPLING)
    return (unit(F.avg_pool2d(normals, _SUPERSAMPLING), 1) * (cover > 0.5))[0]
