"""One prediction of one person, measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.evaluation.alignment import RigidMotion, align_icp
from pifuhd_ros.evaluation.color_scores import ColorScores, score_colors
from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.legacy import LegacyScores, legacy_scores
from pifuhd_ros.evaluation.metrics import (
    SurfaceDistances,
    compare_surfaces,
    iou,
    normal_error_deg,
    points_in_joint_box,
)
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.evaluation.solid import mesh_occupancy
from pifuhd_ros.evaluation.systems import Prediction

SURFACE_SAMPLES = 100_000
SOLID_SAMPLES = 100_000


@dataclass(frozen=True)
class ShapeScores(SurfaceDistances):
    """How a predicted shape differs from the true one."""

    iou: float
    """Intersection over union of the solids, in [0, 1]."""


@dataclass(frozen=True)
class SlopeScores:
    """How long a signed distance's gradient is near its surface; 1 for a true distance."""

    mean: float
    spread: float
    """Standard deviation over the points."""


@dataclass(frozen=True)
class PersonScores:
    """All figures of one prediction of one person."""

    person: str
    unaligned: ShapeScores
    """Where the system put the shape."""
    icp: ShapeScores
    """After the rigid motion (no scale) that lays the prediction best on the truth."""
    legacy: LegacyScores
    """By the formula of the PIFu papers, where the system put the shape."""
    normal_error_deg: float
    """Mean of front and back, over the true silhouette in the photo's pixels."""
    normal_error_front_deg: float
    normal_error_back_deg: float
    timings_s: Mapping[str, float]
    """Seconds of each stage of the prediction."""
    colors: ColorScores | None = None
    """Of a system that knows an albedo, where the true one is known."""
    slope: SlopeScores | None = None
    """Of a system whose field is a signed distance."""


def score_person(
    truth: GroundTruth,
    prediction: Prediction,
    *,
    surface_samples: int = SURFACE_SAMPLES,
    solid_samples: int = SOLID_SAMPLES,
    seed: int = 0,
) -> PersonScores:
    """Measure a prediction against the truth.

    Args:
        truth: of one person.
        prediction: of the same person, in photo space and in the photo's pixels (see
            ``prediction_in_photo``).
        surface_samples: points on the predicted surface.
        solid_samples: points in the box around both solids.
        seed: of all samples.

    Returns:
        The figures.

    Raises:
        SurfaceError: the predicted mesh is empty, open or not finite, or its albedo covers nothing
            of the person.
    """
    pred = sample_surface(prediction.mesh, surface_samples, seed)
    motion = align_icp(pred.points, truth.surface.points)
    front_deg, back_deg = _normal_errors_deg(truth, prediction)
    still = RigidMotion(np.eye(3), np.zeros(3))

    def scores(motion: RigidMotion) -> ShapeScores:
        moved = motion.move(pred)
        distances = compare_surfaces(moved, truth.surface, truth.metres_per_unit)
        points = points_in_joint_box(
            moved.points, truth.surface.points, solid_samples, seed=seed + 1
        )
        inside = mesh_occupancy(prediction.mesh, motion.apply_inverse(points))
        return ShapeScores(**vars(distances), iou=iou(inside, truth.occupancy(points)))

    colors = None
    if prediction.albedo is not None and truth.albedo is not None:
        colors = score_colors(truth.photo, truth.albedo, prediction.albedo)
    slopes = prediction.slopes
    return PersonScores(
        person=truth.name,
        unaligned=scores(still),
        icp=scores(motion),
        legacy=legacy_scores(prediction.mesh, truth.legacy, seed=seed),
        normal_error_deg=0.5 * (front_deg + back_deg),
        normal_error_front_deg=front_deg,
        normal_error_back_deg=back_deg,
        timings_s=prediction.timings_s,
        colors=colors,
        slope=None if slopes is None else SlopeScores(float(slopes.mean()), float(slopes.std())),
    )


def _normal_errors_deg(truth: GroundTruth, prediction: Prediction) -> tuple[float, float]:
    mask = truth.silhouette
    front = normal_error_deg(_array(prediction.normals.front), _array(truth.normals.front), mask)
    back = normal_error_deg(_array(prediction.normals.back), _array(truth.normals.back), mask)
    return front, back


def _array(normals: torch.Tensor) -> npt.NDArray[np.float32]:
    values: npt.NDArray[np.float32] = normals.detach().float().cpu().numpy()
    return values
