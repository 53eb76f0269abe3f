"""Held-out people: made by the generator from what no training run has seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from pifuhd_ros.body.model import BodyModel, load_body
from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps
from pifuhd_ros.evaluation.ground_truth import STATURE_M, GroundTruth, true_camera
from pifuhd_ros.evaluation.person_solid import PersonSolid
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.geometry.crop_transforms import crop_from_model
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.light import Lights, main_direction, sample_lights
from pifuhd_ros.synthetic.occlusion import Occlusion, ambient_occlusion
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.photograph import take_photo
from pifuhd_ros.synthetic.placement import Placement, sample_placement
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.render import Views, render_views
from pifuhd_ros.synthetic.volume import occupancy_volumes
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe
from pifuhd_ros.types import Frame, NormalMaps

FIRST_SEED = 1_000_000
"""Seeds of held-out people start here; training seeds lie far below."""
PHOTO_PX = 768
"""Side of the photos."""
LIGHTS = 8
"""In which one person is seen, to tell the albedo from the light."""
_SUPERSAMPLING = 2


@dataclass(frozen=True)
class PersonInLights:
    """One person in one place, photographed with one camera in several lights."""

    truth: GroundTruth
    """Of the person; its own photo is in another light."""
    photos: tuple[Frame, ...]
    directions: npt.NDArray[np.float64]
    """(L, 3) unit vectors to where most of each photo's light comes from, photo space."""


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
        return self._truth(self._view(number))

    def make_in_lights(self, number: int) -> PersonInLights:
        """The same person in LIGHTS lights; the photos differ in nothing else."""
        view = self._view(number)
        truth = self._truth(view)
        lights = sample_lights(LIGHTS, torch.Generator().manual_seed(view.seed + 2_000_003))
        photos = [_take_photo(view, lights.only(i)) for i in range(LIGHTS)]
        return PersonInLights(
            truth,
            tuple(replace(truth.photo, rgb=rgb) for rgb in photos),
            main_direction(lights).double().numpy(),
        )

    def _view(self, number: int) -> _View:
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
        return _View.of(seed, people, placement, views)

    def _truth(self, view: _View) -> GroundTruth:
        placement, views = view.placement, view.views
        solid = PersonSolid.of(view.people, 0, placement)
        mesh = solid.outer_surface()
        stature_m = float(view.people.stature_m[0])
        image_from_model = _small_from_large() @ crop_from_model(views.mask.shape[-1])
        mask = view.mask[0, 0]
        camera = true_camera(image_from_model, placement.inverse_distance, mask.shape)
        front, back = (_averaged(maps)[0] for maps in (views.albedo, views.albedo_back))
        return GroundTruth(
            name=f"held-out {view.seed - FIRST_SEED:03d}",
            photo=Frame(rgb=_take_photo(view), camera=camera),
            mask=mask.numpy(),
            normals=NormalMaps(_small(views.normal_front, views), _small(views.normal_back, views)),
            mesh=mesh,
            surface=sample_surface(mesh, self.samples, view.seed),
            occupancy=solid.contains,
            metres_per_unit=STATURE_M / (stature_m * placement.scale),
            image_from_model=image_from_model,
            inverse_distance=placement.inverse_distance,
            albedo=AlbedoMaps(front, back, mask),
        )


@dataclass(frozen=True)
class _View:
    """A person before the camera, and what a photo is made of."""

    seed: int
    people: People
    placement: Placement
    views: Views
    """One, in large."""
    mask: torch.Tensor
    """(1, 1, S, S) averaged to the photo's size, as the occlusion is."""
    occlusion: Occlusion

    @staticmethod
    def of(seed: int, people: People, placement: Placement, views: Views) -> _View:
        large = views.mask[:, None].float()
        volumes = occupancy_volumes(people, views)
        occlusion = ambient_occlusion(volumes, views.z_front, views.normal_front, large)
        small = Occlusion(_averaged(occlusion.ambient), unit(_averaged(occlusion.bent), 1))
        return _View(seed, people, placement, views, _averaged(large), small)


def _small_from_large() -> npt.NDArray[np.float64]:
    """Pixels of what is averaged over squares, from pixels before; (3, 3)."""
    scale = 1 / _SUPERSAMPLING
    shift = 0.5 * scale - 0.5
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1.0]])


def _averaged(maps: torch.Tensor) -> torch.Tensor:
    """Maps of the large view, averaged over squares of pixels."""
    return F.avg_pool2d(maps, _SUPERSAMPLING)


def _take_photo(view: _View, lights: Lights | None = None) -> npt.NDArray[np.uint8]:
    """The photo (H, W, 3), in some light or in one that is given; the camera is always the same."""
    photo = take_photo(
        _averaged(view.views.albedo) / view.mask.clamp(min=1e-3),
        unit(_averaged(view.views.normal_front), 1),
        view.mask,
        view.occlusion,
        torch.Generator().manual_seed(view.seed),
        lights,
    )
    rgb: npt.NDArray[np.uint8] = (photo.image[0] * 255).round().byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(rgb)


def _small(normals: torch.Tensor, views: Views) -> torch.Tensor:
    """Normals (3, S, S) averaged to the photo's size, zero where less than half is covered."""
    cover = _averaged(views.mask[:, None].float())
    return (unit(_averaged(normals), 1) * (cover > 0.5))[0]
