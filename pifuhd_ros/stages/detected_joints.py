"""The skeleton of a detected person, in the model space of a crop."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from pifuhd_ros.geometry.crop_transforms import model_points
from pifuhd_ros.networks.joint_lifter import JointLifter
from pifuhd_ros.stages.body_pose import LEFT_HIP, RIGHT_HIP, pixels_per_metre
from pifuhd_ros.types import PersonDetection

LIFTER_FILE = Path(__file__).parents[1] / "weights" / "joint-lifter.safetensors"


def points_in_crop(
    detection: PersonDetection, image_from_crop: npt.NDArray[np.float64], size: int
) -> torch.Tensor | None:
    """The detector's points in the crop's model space.

    x and y are those of the image; z is the detector's guess, at the scale that maps the pose in
    space to the image best.

    Args:
        detection: in the frame's pixels.
        image_from_crop: (3, 3), see PersonCrop.
        size: pixels of the crop's side.

    Returns:
        (33, 4) float32, see JointLifter; None where the detection has no pose in space.
    """
    space = detection.keypoints_world_m
    px_per_m = pixels_per_metre(detection)
    if space is None or px_per_m is None:
        return None
    z_px = (space[:, 2] - space[[LEFT_HIP, RIGHT_HIP], 2].mean()) * px_per_m
    points_px = np.column_stack([detection.keypoints_px[:, :2], z_px])
    placed = model_points(points_px, image_from_crop, size)
    points = np.column_stack([placed, detection.keypoints_px[:, 2]])
    return torch.from_numpy(points.astype(np.float32))


def joints_in_crop(
    detection: PersonDetection, image_from_crop: npt.NDArray[np.float64], size: int
) -> torch.Tensor | None:
    """The detection's skeleton in the crop's model space: ``points_in_crop``, lifted.

    Returns:
        (19, 4) float32, see geometry/skeleton.py; None where the detection has no pose in space.
    """
    points = points_in_crop(detection, image_from_crop, size)
    if points is None:
        return None
    with torch.no_grad():
        joints = _lifter()(points[None])[0]
    return torch.cat([joints, torch.ones(len(joints), 1)], 1)


@lru_cache(maxsize=1)
def _lifter() -> JointLifter:
    lifter = JointLifter()
    lifter.load_state_dict(load_file(str(LIFTER_FILE)))
    return lifter.float().eval()
