from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pifuhd_ros.geometry.crop_transforms import CropSquare, image_from_crop
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.stages.detected_joints import joints_in_crop
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


def test_joints_are_where_the_crop_shows_them() -> None:
    person = detection()
    assert person.keypoints_world_m is not None
    half_px = 250.0
    crop = image_from_crop(CropSquare(*MIDDLE_PX, half_px), 512)
    joints = joints_in_crop(person, crop, 512)
    assert joints is not None
    assert joints.shape == (len(JOINTS), 4)
    wrist = joints[JOINTS.index("left_wrist")].tolist()
    x, y, z = person.keypoints_world_m[15] * PX_PER_M / half_px
    hips_z = person.keypoints_world_m[[23, 24], 2].mean() * PX_PER_M / half_px
    assert wrist == pytest.approx([x, -y, hips_z - z, 1], abs=1e-5)
    hand = joints[JOINTS.index("left_hand")].tolist()
    knuckles = person.keypoints_world_m[[17, 19]].mean(axis=0) * PX_PER_M / half_px
    assert hand[:2] == pytest.approx([knuckles[0], -knuckles[1]], abs=1e-5)


def test_without_a_pose_in_space_there_are_none() -> None:
    crop = image_from_crop(CropSquare(*MIDDLE_PX, 250.0), 512)
    assert joints_in_crop(replace(detection(), keypoints_world_m=None), crop, 512) is None
    flat = replace(detection(), keypoints_world_m=np.zeros((33, 3)))
    assert joints_in_crop(flat, crop, 512) is None
