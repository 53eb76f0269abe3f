"""What keypoints tell, on a person of known size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people_fakes import person, standing_points

from pifuhd_ros.stages.body_pose import (
    LEFT_ANKLE,
    LEFT_KNEE,
    LEFT_WRIST,
    RIGHT_ANKLE,
    RIGHT_KNEE,
    body_25,
    facing,
    stands_upright,
    stature_px,
)
from pifuhd_ros.types import PersonDetection


@pytest.fixture
def standing() -> PersonDetection:
    return person((500, 300), middle_px=150, top_px=50, stature_px=400)


def turned(detection: PersonDetection, yaw_deg: float) -> PersonDetection:
    """The same person after a turn about the vertical, keypoints and all."""
    assert detection.keypoints_world_m is not None
    yaw = np.deg2rad(yaw_deg)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    world = detection.keypoints_world_m @ turn.T
    px_per_m = 400 / 1.7
    image = world[:, :2] * px_per_m + (150, 50 + 0.47 * 400)
    keypoints = np.column_stack([image, detection.keypoints_px[:, 2]])
    return replace(detection, keypoints_world_m=world, keypoints_px=keypoints)


def test_the_fakes_have_33_points() -> None:
    assert standing_points().shape == (33, 3)


def test_the_stature_of_a_standing_person(standing: PersonDetection) -> None:
    assert stature_px(standing) == pytest.approx(400, rel=0.05)


@pytest.mark.parametrize("yaw_deg", [45, 90, 180])
def test_the_stature_does_not_depend_on_the_view(standing: PersonDetection, yaw_deg: float) -> None:
    assert stature_px(turned(standing, yaw_deg)) == pytest.approx(400, rel=0.05)


def test_the_stature_does_not_depend_on_the_common_scale_of_the_pose(
    standing: PersonDetection,
) -> None:
    assert standing.keypoints_world_m is not None
    smaller = replace(standing, keypoints_world_m=standing.keypoints_world_m * 0.5)

    assert stature_px(smaller) == pytest.approx(stature_px(standing))


def test_without_a_pose_in_space_the_stature_is_unknown(standing: PersonDetection) -> None:
    assert stature_px(replace(standing, keypoints_world_m=None)) is None
    assert stature_px(replace(standing, keypoints_world_m=np.zeros((33, 3)))) is None


def test_upright(standing: PersonDetection) -> None:
    assert standing.keypoints_world_m is not None
    assert stands_upright(standing)

    hand_up = standing.keypoints_world_m.copy()
    hand_up[LEFT_WRIST, 1] = -1.2
    assert not stands_upright(replace(standing, keypoints_world_m=hand_up))

    sitting = standing.keypoints_world_m.copy()
    for joint in (LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE):
        sitting[joint, 1:] += (-0.4, -0.4)  # thighs forward
    assert not stands_upright(replace(standing, keypoints_world_m=sitting))

    one_leg_up = standing.keypoints_world_m.copy()
    one_leg_up[[LEFT_KNEE, LEFT_ANKLE], 1:] += (-0.4, -0.4)
    assert stands_upright(replace(standing, keypoints_world_m=one_leg_up))

    lying = standing.keypoints_world_m[:, [1, 0, 2]]
    assert not stands_upright(replace(standing, keypoints_world_m=lying))


@pytest.mark.parametrize(("yaw_deg", "expected"), [(0, 1), (90, 0.5), (180, 0), (-90, 0.5)])
def test_facing(standing: PersonDetection, yaw_deg: float, expected: float) -> None:
    assert facing(turned(standing, yaw_deg)) == pytest.approx(expected, abs=0.01)


def test_body_25_order(standing: PersonDetection) -> None:
    points = body_25(standing.keypoints_px)

    assert points.shape == (25, 3)
    x, y = points[:, 0], points[:, 1]
    # OpenPose: the person's right side first, which stands on the image's left.
    assert (x[[2, 3, 4, 9, 10, 11, 15, 17, 22, 24]] < 150).all()
    assert (x[[5, 6, 7, 12, 13, 14, 16, 18, 19, 21]] > 150).all()
    assert x[[0, 1, 8]] == pytest.approx(150)
    assert (np.diff(y[[0, 1, 8, 10, 11, 24]]) > 0).all()
