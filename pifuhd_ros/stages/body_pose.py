"""What 33 keypoints tell of a person: how tall, upright or not, facing where."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types import PersonDetection

NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR = 0, 2, 5, 7, 8
LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW = 11, 12, 13, 14
LEFT_WRIST, RIGHT_WRIST, LEFT_HIP, RIGHT_HIP = 15, 16, 23, 24
LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE = 25, 26, 27, 28
LEFT_HEEL, RIGHT_HEEL, LEFT_TOES, RIGHT_TOES = 29, 30, 31, 32

TRUNK_AND_LEG_SHARE = 0.757
"""Shin + thigh + trunk (between the middles of hips and shoulders) over the stature, as mediapipe
sets its points: the median of 54 generated people who stand (nine in ten: 0.73 to 0.77). By bones
it is 0.779 (Drillis and Contini, Body Segment Parameters, 1966)."""
MAX_TRUNK_TILT_DEG = 25.0
MAX_LEG_TILT_DEG = 30.0


def pixels_per_metre(detection: PersonDetection) -> float | None:
    """The scale that maps the pose in space to the image best.

    Returns:
        The frame's pixels to a metre of ``keypoints_world_m``, or None where the detection has no
        pose in space or the scale is not positive.
    """
    if detection.keypoints_world_m is None:
        return None
    image = detection.keypoints_px[:, :2] - detection.keypoints_px[:, :2].mean(axis=0)
    space = detection.keypoints_world_m - detection.keypoints_world_m.mean(axis=0)
    spread = float(np.square(space[:, :2]).sum())
    if spread == 0:
        return None
    scale = float((image * space[:, :2]).sum()) / spread
    return scale if math.isfinite(scale) and scale > 0 else None


def stature_px(detection: PersonDetection) -> float | None:
    """How tall the person would stand, in the frame's pixels, whatever the pose.

    The lengths of trunk and legs in space, at the scale that maps the pose in space to the image
    best; the pose is complete for people who are cut off too. On one photo, cut at the knees,
    the hips or the chest, it stays within 8 % of the whole person's.

    Returns:
        Pixels, or None where the detection has no pose in space or its scale is not positive.
    """
    px_per_m = pixels_per_metre(detection)
    if detection.keypoints_world_m is None or px_per_m is None:
        return None
    trunk, legs = _trunk_and_legs(detection.keypoints_world_m)
    length_m = np.linalg.norm(trunk) + np.linalg.norm(legs, axis=2).sum(axis=1).mean()
    height_px = px_per_m * float(length_m) / TRUNK_AND_LEG_SHARE
    return height_px if math.isfinite(height_px) and height_px > 0 else None


def stands_upright(detection: PersonDetection) -> bool:
    """True where the person's vertical extent is the stature.

    The trunk and one leg are near the vertical, and no hand is above the head. A detection
    without a pose in space counts as upright.
    """
    points = detection.keypoints_world_m
    if points is None:
        return True
    trunk, legs = _trunk_and_legs(points)
    leg_tilts_deg = [max(_tilt_deg(thigh), _tilt_deg(shin)) for thigh, shin in legs]
    head_y = min(points[LEFT_EAR, 1], points[RIGHT_EAR, 1])
    hands_y = min(points[LEFT_WRIST, 1], points[RIGHT_WRIST, 1])
    return bool(
        _tilt_deg(trunk) < MAX_TRUNK_TILT_DEG
        and min(leg_tilts_deg) < MAX_LEG_TILT_DEG
        and hands_y > head_y
    )


def facing(detection: PersonDetection) -> float:
    """1 where the chest faces the camera, 0.5 seen from the side, 0 from behind or unknown."""
    points = detection.keypoints_world_m
    if points is None:
        return 0.0
    across = points[LEFT_SHOULDER] - points[RIGHT_SHOULDER]
    length = float(np.linalg.norm(across))
    return 0.5 * (1 + float(across[0]) / length) if length > 0 else 0.0


def body_25(keypoints: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The points (33, 3) in OpenPose's BODY_25 order, (25, 3).

    Neck and middle hip are middles of two points, with the lower of their visibilities; the small
    toes, which BlazePose lacks, repeat the big ones.
    """
    order = (
        *(NOSE, NOSE, RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST),
        *(LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST, LEFT_HIP, RIGHT_HIP),
        *(RIGHT_KNEE, RIGHT_ANKLE, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE),
        *(RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR),
        *(LEFT_TOES, LEFT_TOES, LEFT_HEEL, RIGHT_TOES, RIGHT_TOES, RIGHT_HEEL),
    )
    points = keypoints[list(order)]
    for index, pair in ((1, (LEFT_SHOULDER, RIGHT_SHOULDER)), (8, (LEFT_HIP, RIGHT_HIP))):
        points[index, :2] = keypoints[list(pair), :2].mean(axis=0)
        points[index, 2] = keypoints[list(pair), 2].min()
    return points


def _trunk_and_legs(
    points: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The trunk (3,) from shoulders to hips, and (2, 2, 3): left and right; thigh and shin."""
    shoulders = (points[LEFT_SHOULDER] + points[RIGHT_SHOULDER]) / 2
    hips = (points[LEFT_HIP] + points[RIGHT_HIP]) / 2
    legs = [
        [points[knee] - points[hip], points[ankle] - points[knee]]
        for hip, knee, ankle in (
            (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE),
            (RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE),
        )
    ]
    return hips - shoulders, np.array(legs)


def _tilt_deg(downward: npt.NDArray[np.float64]) -> float:
    """Angle of a vector to the image's downward direction, degrees."""
    return math.degrees(math.atan2(math.hypot(downward[0], downward[2]), downward[1]))
