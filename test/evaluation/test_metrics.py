from __future__ import annotations

import numpy as np
import pytest
from shapes import box, sphere_samples

from pifuhd_ros.evaluation.metrics import (
    compare_surfaces,
    f_score,
    iou,
    normal_error_deg,
    points_in_joint_box,
)
from pifuhd_ros.evaluation.samples import SurfaceSamples, sample_surface
from pifuhd_ros.evaluation.solid import mesh_occupancy


def test_concentric_spheres() -> None:
    distances = compare_surfaces(
        sphere_samples(0.6, 20_000, 0), sphere_samples(0.5, 20_000, 1), metres_per_unit=1.0
    )
    assert distances.pred_to_gt_cm == pytest.approx(10.0, abs=0.05)
    assert distances.gt_to_pred_cm == pytest.approx(10.0, abs=0.05)
    assert distances.chamfer_cm == pytest.approx(10.0, abs=0.05)
    assert distances.normal_consistency == pytest.approx(1.0, abs=1e-3)
    assert distances.f_score_1cm == 0.0


def test_same_surface_leaves_the_spacing_of_the_samples() -> None:
    """Area 4 pi r^2 over N samples: nearest neighbours are 0.5 sqrt(area / N) apart on average."""
    distances = compare_surfaces(
        sphere_samples(0.5, 50_000, 0), sphere_samples(0.5, 50_000, 1), metres_per_unit=1.0
    )
    floor_cm = 100 * 0.5 * np.sqrt(np.pi / 50_000)
    assert distances.chamfer_cm == pytest.approx(floor_cm, rel=0.03)
    assert distances.f_score_1cm > 0.98
    assert distances.normal_consistency > 0.999


def test_directions_are_told_apart() -> None:
    """The prediction is the truth and an invented second plane 1 m above it."""
    x, y = np.meshgrid(np.linspace(0, 1, 20), np.linspace(0, 1, 20))
    plane = np.stack([x.ravel(), y.ravel(), np.zeros(400)], axis=1)
    up = np.tile([0.0, 0.0, 1.0], (400, 1))
    gt = SurfaceSamples(plane, up)
    pred = SurfaceSamples(
        np.concatenate([plane, plane + np.array([0, 0, 1])]), np.concatenate([up, up])
    )
    distances = compare_surfaces(pred, gt, metres_per_unit=1.0)
    assert distances.pred_to_gt_cm == pytest.approx(50.0)
    assert distances.gt_to_pred_cm == 0.0
    assert distances.chamfer_cm == pytest.approx(25.0)
    assert distances.f_score_1cm == pytest.approx(2 * 0.5 / 1.5)


def test_units_scale_distances_but_not_cosines() -> None:
    first, second = sphere_samples(1.2, 2000, 0), sphere_samples(1.0, 2000, 1)
    metres = compare_surfaces(first, second, metres_per_unit=1.0)
    small = compare_surfaces(first, second, metres_per_unit=0.5)
    assert small.chamfer_cm == pytest.approx(0.5 * metres.chamfer_cm)
    assert small.normal_consistency == metres.normal_consistency
    with pytest.raises(ValueError, match="positive"):
        compare_surfaces(first, second, metres_per_unit=0.0)


def test_surface_turned_inside_out_scores_minus_one() -> None:
    sphere = sphere_samples(0.5, 2000, 0)
    flipped = SurfaceSamples(sphere.points, -sphere.normals)
    assert compare_surfaces(flipped, sphere, 1.0).normal_consistency == pytest.approx(-1.0)
    assert compare_surfaces(sphere, sphere, 1.0).normal_consistency == pytest.approx(1.0)


def test_f_score_of_given_distances() -> None:
    near, far = np.array([0.0, 0.5, 1.0, 5.0]), np.array([0.2, 7.0])
    assert f_score(near, far, 1.0) == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    assert f_score(far + 9, near + 9, 1.0) == 0.0


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 1.0])
def test_iou_of_shifted_boxes(shift: float) -> None:
    """Unit cubes a shift s apart along x: (1 - s) / (1 + s)."""
    pred, gt = box([shift, 0, 0], [1 + shift, 1, 1]), box([0, 0, 0], [1, 1, 1])
    points = points_in_joint_box(
        pred.vertices.astype(np.float64), gt.vertices.astype(np.float64), 40_000, seed=0
    )
    assert points[:, 0].max() == pytest.approx(1 + shift, abs=1e-3)
    found = iou(mesh_occupancy(pred, points), mesh_occupancy(gt, points))
    assert found == pytest.approx((1 - shift) / (1 + shift), abs=0.01)


def test_iou_needs_a_solid_and_the_same_points() -> None:
    none = np.zeros(5, bool)
    with pytest.raises(ValueError, match="no point is inside"):
        iou(none, none)
    with pytest.raises(ValueError, match="occupancies"):
        iou(none, np.zeros(4, bool))


def test_box_of_the_tests_is_turned_outward() -> None:
    samples = sample_surface(box([-1, -1, -1], [1, 1, 1]), 500, seed=0)
    assert (np.einsum("ni,ni->n", samples.points, samples.normals) > 0.99).all()


def normal_map(vector: list[float], size: int = 4) -> np.ndarray:
    return np.tile(np.array(vector, np.float32)[:, None, None], (1, size, size))


def test_normal_error_of_known_angles() -> None:
    front = normal_map([0, 0, 1])
    mask = np.ones((4, 4), bool)
    tilted = normal_map([0, np.sin(np.radians(30)), np.cos(np.radians(30))])
    assert normal_error_deg(front, front, mask) == pytest.approx(0.0, abs=1e-3)
    assert normal_error_deg(3 * tilted, front, mask) == pytest.approx(30.0, abs=1e-3)
    assert normal_error_deg(-front, front, mask) == pytest.approx(180.0)


def test_missing_normals_count_as_ninety_degrees_and_the_mask_limits() -> None:
    front = normal_map([0, 0, 1])
    half = front.copy()
    half[:, :2] = 0
    mask = np.ones((4, 4), bool)
    assert normal_error_deg(half, front, mask) == pytest.approx(45.0)
    mask[:2] = False
    assert normal_error_deg(half, front, mask) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="mask is empty"):
        normal_error_deg(half, front, np.zeros((4, 4), bool))
    with pytest.raises(ValueError, match="true normal map is zero"):
        normal_error_deg(front, half, np.ones((4, 4), bool))
    with pytest.raises(ValueError, match="expected"):
        normal_error_deg(front, front, np.ones((4, 5), bool))
