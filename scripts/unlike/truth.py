"""What is known of a rendered person, as a file beside the photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from pifuhd_ros.evaluation.ground_truth import STATURE_M, GroundTruth, true_camera
from pifuhd_ros.evaluation.person_solid import PersonSolid
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.evaluation.scores import SURFACE_SAMPLES
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.stages.export import export_mesh
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.render import render_views
from pifuhd_ros.types import Mesh, NormalMaps
from unlike.cameras import SUPERSAMPLING, Shot


def save_truth(people: People, shot: Shot, folder: Path, name: str) -> None:
    """Writes ``name.npz``, which ``load_truth`` reads, and ``name.ply`` for any viewer.

    The PLY holds the true outer surface in metres, as ``export_mesh`` writes one.

    Args:
        people: a batch of one person.
        shot: the camera.
        folder: of both files.
        name: of the photo.
    """
    placement = shot.placement()
    solid = PersonSolid.of(people, 0, placement)
    side = SUPERSAMPLING * max(shot.width_px, shot.height_px)
    views = render_views(people, [0], [placement], side)
    cover = _photo(views.mask[:, None].float(), shot)[0]

    def normals(large: torch.Tensor) -> npt.NDArray[np.int8]:
        small = unit(_photo(large, shot)[None], 1)[0] * (cover > 0.5)
        maps: npt.NDArray[np.int8] = (small * 127).round().char().numpy()
        return maps

    np.savez_compressed(
        folder / f"{name}.npz",
        vertices=solid.closed.vertices,
        closed_faces=solid.closed.faces,
        hair_faces=solid.hair.faces,
        units_per_m=solid.units_per_m,
        metres_per_unit=STATURE_M / (float(people.stature_m[0]) * placement.scale),
        image_from_model=shot.image_from_model(),
        inverse_distance=placement.inverse_distance,
        mask=(cover * 255).round().byte().numpy(),
        normals_front=normals(views.normal_front),
        normals_back=normals(views.normal_back),
    )
    surface = solid.outer_surface()
    distance_m = 1 / (placement.inverse_distance * placement.scale)
    optical = surface.vertices / placement.scale * np.float32([1, -1, -1])
    metres = optical + np.float32([0, 0, distance_m])
    export_mesh(Mesh(metres.astype(np.float32), surface.faces), folder / f"{name}.ply")


def _photo(large: torch.Tensor, shot: Shot) -> torch.Tensor:
    """Maps (1, C, S, S) of the large square as (C, H, W) of the photo."""
    small = F.avg_pool2d(large, SUPERSAMPLING)[0]
    side = small.shape[-1]
    left, top = (side - shot.width_px) // 2, (side - shot.height_px) // 2
    return small[:, top : top + shot.height_px, left : left + shot.width_px]


def load_truth(photo: Path, folder: Path) -> GroundTruth:
    """The truth of a photo, from its file in ``folder``."""
    with np.load(folder / f"{photo.stem}.npz") as kept:
        vertices = kept["vertices"]
        solid = PersonSolid(
            Mesh(vertices, kept["closed_faces"]),
            Mesh(vertices, kept["hair_faces"]),
            float(kept["units_per_m"]),
        )
        mesh = solid.outer_surface()
        mask = kept["mask"].astype(np.float32) / 255
        inverse_distance = float(kept["inverse_distance"])
        camera = true_camera(kept["image_from_model"], inverse_distance, mask.shape)
        return GroundTruth(
            name=photo.stem,
            photo=read_frame(photo, camera=camera),
            mask=mask,
            normals=NormalMaps(
                torch.from_numpy(kept["normals_front"]).float() / 127,
                torch.from_numpy(kept["normals_back"]).float() / 127,
            ),
            mesh=mesh,
            surface=sample_surface(mesh, SURFACE_SAMPLES, 0),
            occupancy=solid.contains,
            metres_per_unit=float(kept["metres_per_unit"]),
            image_from_model=kept["image_from_model"],
            inverse_distance=inverse_distance,
        )
