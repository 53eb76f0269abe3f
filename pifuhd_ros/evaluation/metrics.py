"""How far a predicted surface, solid or normal map is from the true one.

All in float64 and without any state, so that each figure can be checked against a shape whose
answer is known in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pifuhd_ros.evaluation.nearest import search_tree
from pifuhd_ros.evaluation.samples import SurfaceSamples

F_SCORE_RADIUS_CM = 1.0


@dataclass(frozen=True)
class SurfaceDistances:
    """How two surfaces differ.

    The distances are those from each sample to the nearest sample of the other surface. Two
    samplings of the very same surface are therefore not 0 apart but about half the spacing of the
    samples: 0.2 cm for 100k samples on a person.
    """

    pred_to_gt_cm: float
    """Mean distance from the prediction to the ground truth: what was invented."""
    gt_to_pred_cm: float
    """Mean distance from the ground truth to the prediction: what was missed."""
    chamfer_cm: float
    """Mean of both directions."""
    normal_consistency: float
    """Mean cosine between the normals of nearest samples, over both directions, in [-1, 1].

    Signed: a surface turned inside out scores -1. (Occupancy Networks, section 4, takes the
    absolute value, which hides that.)
    """
    f_score_1cm: float
    """Harmonic mean of the shares of both surfaces within 1 cm of the other, in [0, 1]."""


def compare_surfaces(
    pred: SurfaceSamples, gt: SurfaceSamples, metres_per_unit: float
) -> SurfaceDistances:
    """Distances and agreement of normals between two sampled surfaces, in both directions.

    Args:
        pred: samples of the predicted surface.
        gt: samples of the true surface, in the same space.
        metres_per_unit: size of that space's unit.

    Returns:
        Figures in centimetres.

    Source:
        F-score: Knapitsch et al., Tanks and Temples, 2017, section 5.
        Normal consistency: Mescheder et al., Occupancy Networks, 2019, section 4.
    """
    if metres_per_unit <= 0:
        raise ValueError(f"expected a positive size of the unit, got {metres_per_unit} m")
    cm_per_unit = 100.0 * metres_per_unit
    pred_distance, nearest_gt = search_tree(gt.points).query(pred.points)
    gt_distance, nearest_pred = search_tree(pred.points).query(gt.points)
    pred_cm, gt_cm = pred_distance * cm_per_unit, gt_distance * cm_per_unit
    pred_to_gt_cm, gt_to_pred_cm = float(pred_cm.mean()), float(gt_cm.mean())
    pred_cosines = np.einsum("ni,ni->n", pred.normals, gt.normals[nearest_gt])
    gt_cosines = np.einsum("ni,ni->n", gt.normals, pred.normals[nearest_pred])
    return SurfaceDistances(
        pred_to_gt_cm=pred_to_gt_cm,
        gt_to_pred_cm=gt_to_pred_cm,
        chamfer_cm=0.5 * (pred_to_gt_cm + gt_to_pred_cm),
        normal_consistency=0.5 * float(pred_cosines.mean() + gt_cosines.mean()),
        f_score_1cm=f_score(pred_cm, gt_cm, F_SCORE_RADIUS_CM),
    )


def f_score(
    pred_to_gt: npt.NDArray[np.float64], gt_to_pred: npt.NDArray[np.float64], radius: float
) -> float:
    """Harmonic mean of precision and recall within a radius.

    Args:
        pred_to_gt: (N,) distance of each predicted sample to the true surface.
        gt_to_pred: (M,) distance of each true sample to the predicted surface.
        radius: in the unit of the distances; a distance equal to it counts as near.

    Returns:
        In [0, 1]; 0 where nothing is near.
    """
    precision = float((pred_to_gt <= radius).mean())
    recall = float((gt_to_pred <= radius).mean())
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else 0.0


def iou(pred_inside: npt.NDArray[np.bool_], gt_inside: npt.NDArray[np.bool_]) -> float:
    """Intersection over union of two solids, from whether the same points are inside them.

    Args:
        pred_inside: (N,) for points spread evenly over a box that holds both solids.
        gt_inside: (N,) for the same points.

    Returns:
        In [0, 1].

    Raises:
        ValueError: the shapes differ, or no point is inside either solid.
    """
    if pred_inside.shape != gt_inside.shape:
        raise ValueError(f"{pred_inside.shape} predicted, but {gt_inside.shape} true occupancies")
    union = int((pred_inside | gt_inside).sum())
    if union == 0:
        raise ValueError("no point is inside either solid: the box does not hold them")
    return int((pred_inside & gt_inside).sum()) / union


def points_in_joint_box(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], count: int, seed: int
) -> npt.NDArray[np.float64]:
    """Points spread evenly over the box around two sets of points.

    Args:
        first: (N, 3) points of one surface.
        second: (M, 3) points of the other.
        count: how many.
        seed: the same seed gives the same points.

    Returns:
        (count, 3).
    """
    low = np.minimum(first.min(axis=0), second.min(axis=0))
    high = np.maximum(first.max(axis=0), second.max(axis=0))
    return np.random.default_rng(seed).uniform(low, high, (count, 3))


def normal_error_deg(
    pred: npt.NDArray[np.float32], gt: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]
) -> float:
    """Mean angle between two normal maps over the true silhouette.

    A pixel of the silhouette for which the prediction holds no normal (a zero vector) counts as
    90 degrees, so that nothing is won by leaving pixels out.

    Args:
        pred: (3, H, W), of any length.
        gt: (3, H, W), of any length; not zero where the mask is set.
        mask: (H, W) the pixels to compare.

    Returns:
        Degrees in [0, 180].

    Raises:
        ValueError: the shapes differ, the mask is empty, or the truth has no normal in the mask.
    """
    if pred.shape != gt.shape or gt.shape[1:] != mask.shape or gt.shape[0] != 3:
        raise ValueError(
            f"expected (3, H, W) twice and (H, W), got {pred.shape}, {gt.shape}, {mask.shape}"
        )
    if not mask.any():
        raise ValueError("the mask is empty: there are no normals to compare")
    pred_normals = pred[:, mask].astype(np.float64)
    gt_normals = gt[:, mask].astype(np.float64)
    pred_length = np.linalg.norm(pred_normals, axis=0)
    gt_length = np.linalg.norm(gt_normals, axis=0)
    if (gt_length == 0).any():
        raise ValueError("the true normal map is zero at pixels of the mask")
    length = pred_length * gt_length
    dot = (pred_normals * gt_normals).sum(axis=0)
    cosine = np.divide(dot, length, out=np.zeros_like(dot), where=length > 0)
    return float(np.degrees(np.arccos(cosine.clip(-1.0, 1.0))).mean())
