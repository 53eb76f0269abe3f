"""The skeleton of a detected person, in the model space of a crop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.geometry.crop_transforms import apply_transform, crop_from_model
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.stages.body_pose import pixels_per_metre
from pifuhd_ros.types import PersonDetection

_BLAZEPOSE = {
    "nose": (0,),
    "left_ear": (7,),
    "right_ear": (8,),
    "left_shoulder": (11,),
    "right_shoulder": (12,),
    "left_elbow": (13,),
    "right_elbow": (14,),
    "left_wrist": (15,),
    "right_wrist": (16,),
    # Of the hand: between the knuckles of the little and the index finger.
    "left_hand": (17, 19),
    "right_hand": (18, 20),
    "left_hip": (23,),
    "right_hip": (24,),
    "left_knee": (25,),
    "right_knee": (26,),
    "left_ankle": (27,),
    "right_ankle": (28,),
    "left_toe": (31,),
    "right_toe": (32,),
}


def joints_in_crop(
    detection: PersonDetection, image_from_crop: npt.NDArray[np.float64], size: int
) -> torch.Tensor | None:
    """The detection's skeleton in the crop's model space.

    x and y are those of the image; z is guessed from it, at the scale that maps the pose in space
    to the image best.

    Args:
        detection: in the frame's pixels.
        image_from_crop: (3, 3), see PersonCrop.
        size: pixels of the crop's side.

    Returns:
        (19, 4) float32, see geometry/skeleton.py; None where the detection has no pose in space.
    """
    space = detection.keypoints_world_m
    px_per_m = pixels_per_metre(detection)
    if space is None or px_per_m is None:
        return None
    image_from_model = image_from_crop @ crop_from_model(size)
    xy = apply_transform(np.linalg.inv(image_from_model), detection.keypoints_px[:, :2])
    hips_z = space[[*_BLAZEPOSE["left_hip"], *_BLAZEPOSE["right_hip"]], 2].mean()
    # Away from the camera is -z in model space.
    z = (hips_z - space[:, 2]) * px_per_m / image_from_model[0, 0]
    points = np.column_stack([xy, z, np.ones(len(z))])
    chosen = np.stack([points[list(_BLAZEPOSE[name])].mean(axis=0) for name in JOINTS])
    return torch.from_numpy(chosen.astype(np.float32))
