"""A person who is a box in a photo."""

from __future__ import annotations

from functools import cache

import numpy as np
from shapes import box

from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.inputs import GivenInput, give_input
from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.geometry.crop_transforms import crop_from_model
from pifuhd_ros.types import Frame, Mesh

PHOTO_PX = 96
CROP_PX = 64
LOW, HIGH = np.array([-0.1, -0.7, -0.1]), np.array([0.3, 0.5, 0.1])


@cache
def box_person(name: str = "box", inverse_distance: float = 0.0) -> GroundTruth:
    """A person who is a box, 1.2 units high, away from the photo's middle."""
    mesh = box(LOW, HIGH)
    flat = Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(36).reshape(12, 3))
    normals = render_normals(flat, PHOTO_PX)
    mask = (normals.front.abs().sum(dim=0) > 0).numpy()
    photo = np.full((PHOTO_PX, PHOTO_PX, 3), 200, np.uint8)
    photo[mask] = (40, 80, 160)
    return GroundTruth(
        name=name,
        photo=Frame(rgb=photo),
        mask=mask.astype(np.float32),
        normals=normals,
        mesh=mesh,
        surface=sample_surface(mesh, 5000, seed=7),
        occupancy=lambda points: ((points > LOW) & (points < HIGH)).all(axis=1),
        metres_per_unit=1.0,
        image_from_model=crop_from_model(PHOTO_PX),
        inverse_distance=inverse_distance,
    )


def true_input(truth: GroundTruth) -> GivenInput:
    """Of a person whom the detector does not find."""
    return give_input(truth, "detected", lambda frame: [], CROP_PX)
