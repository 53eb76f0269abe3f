from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pifuhd_ros.geometry.crop_transforms import CropSquare, image_from_crop
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.stages.detected_joints import joints_in_crop, points_in_crop
from pifuhd_ros.types import PersonDetection

PX_PER_M = 200.0
MIDDLE_PX = np.array([320.0, 240.0])


def detection() -> PersonDetection:
    """Points in space, seen orthographically around the middle of a VGA image."""
    generator = np.random.default_rng(0)
    space = generator.uniform(-0.9, 0.9, (33, 3))
    pixels = space[:, :2] * PX_PER_M + MIDDLE_PX
    return PersonDetection(
        box_xyxy_px=np.array([100.0, 50.0, 540.0, 430.0]),
        mask=np.ones((480, 640), np.float32),
        keypoints_px=np.column_stack([pixels, np.ones(33)]),
        score=1.0,
        keypoints_world_m=space,
    )


def standing() -> PersonDetection:
    """Someone who stands upright before the camera, arms down."""
    pairs = {
        (2, 5): (0.03, -0.65, -0.15), (1, 4): (0.02, -0.65, -0.15), (3, 6): (0.04, -0.65, -0.14),
        (7, 8): (0.07, -0.63, -0.02), (9, 10): (0.02, -0.57, -0.16), (11, 12): (0.18, -0.45, 0),
        (13, 14): (0.22, -0.2, 0.02), (15, 16): (0.23, 0.05, -0.02), (17, 18): (0.24, 0.12, -0.03),
        (19, 20): (0.22, 0.12, -0.03), (21, 22): (0.21, 0.09, -0.03), (23, 24): (0.1, 0, 0),
        (25, 26): (0.11, 0.4, 0.01), (27, 28): (0.11, 0.8, 0.04), (29, 30): (0.11, 0.84, 0.07),
        (31, 32): (0.12, 0.86, -0.08),
    }  # fmt: skip
    space = np.zeros((33, 3))
    space[0] = (0, -0.61, -0.18)
    for (left, right), (x, y, z) in pairs.items():
        # A person who faces the camera has their left at the image's right.
        space[left], space[right] = (x, y, z), (-x, y, z)
    pixels = space[:, :2] * PX_PER_M + MIDDLE_PX
    return replace(
        detection(),
        keypoints_world_m=space,
        keypoints_px=np.column_stack([pixels, np.ones(33)]),
    )


def test_points_are_where_the_crop_shows_them() -> None:
    person = detection()
    assert person.keypoints_world_m is not None
    half_px = 250.0
    crop = image_from_crop(CropSquare(*MIDDLE_PX, half_px), 512)
    points = points_in_crop(person, crop, 512)
    assert points is not None
    x, y, z = person.keypoints_world_m[15] * PX_PER_M / half_px
    hips_z = person.keypoints_world_m[[23, 24], 2].mean() * PX_PER_M / half_px
    assert points[15].tolist() == pytest.approx([x, -y, hips_z - z, 1], abs=1e-5)


def test_joints_are_known_and_near_their_points() -> None:
    crop = image_from_crop(CropSquare(*MIDDLE_PX, 250.0), 512)
    joints = joints_in_crop(standing(), crop, 512)
    points = points_in_crop(standing(), crop, 512)
    assert joints is not None
    assert points is not None
    assert joints.shape == (len(JOINTS), 4)
    assert bool((joints[:, 3] == 1).all())
    for name, number in (("left_shoulder", 11), ("right_knee", 26), ("nose", 0)):
        assert (joints[JOINTS.index(name), :2] - points[number, :2]).norm() < 0.12, name


def test_without_a_pose_in_space_there_are_none() -> None:
    crop = image_from_crop(CropSquare(*MIDDLE_PX, 250.0), 512)
    assert joints_in_crop(replace(detection(), keypoints_world_m=None), crop, 512) is None
    flat = replace(detection(), keypoints_world_m=np.zeros((33, 3)))
    assert joints_in_crop(flat, crop, 512) is None
