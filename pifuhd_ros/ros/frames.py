"""The messages of one moment to a frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image

from pifuhd_ros.ros.cameras import camera_from_ros
from pifuhd_ros.ros.frame_source import Shot
from pifuhd_ros.ros.headers import stamp_ns_from_ros
from pifuhd_ros.ros.images import depth_from_ros, rgb_from_ros
from pifuhd_ros.types import Camera, Frame, ImageError

ASPECT_TOLERANCE = 0.01
"""A calibration of another size fits where the aspect differs by no more than this part."""


def frame_from_shot(shot: Shot) -> tuple[Frame, tuple[str, ...]]:
    """Return the frame, and in sentences what of the shot could not be used as it was.

    A calibration for another image size is scaled where the aspect is the same. Depth that cannot
    be read or does not lie on the image is left out.

    Raises:
        ImageError: The image cannot be read, or the calibration cannot belong to it.
    """
    rgb = rgb_from_ros(shot.image)
    height, width = rgb.shape[:2]
    notices: list[str] = []
    camera = None if shot.camera_info is None else camera_from_ros(shot.camera_info, width, height)
    if camera is not None and (camera.width_px, camera.height_px) != (width, height):
        notices.append(
            f"The calibration is for {camera.width_px}x{camera.height_px} pixels and was scaled "
            f"to the image's {width}x{height}."
        )
        camera = scaled_camera(camera, width, height)
    depth_m = None
    if shot.depth is not None:
        try:
            depth_m = _aligned_depth(shot.depth, width, height)
        except ImageError as error:
            notices.append(f"The depth image was not used: {error}.")
    frame = Frame(
        rgb=rgb,
        camera=camera,
        depth_m=depth_m,
        stamp_ns=stamp_ns_from_ros(shot.image.header.stamp),
        frame_id=shot.image.header.frame_id,
    )
    return frame, tuple(notices)


def scaled_camera(camera: Camera, width_px: int, height_px: int) -> Camera:
    """Return the camera of the same view resampled to another image size.

    Raises:
        ImageError: The aspect differs: the image was cut, or comes from elsewhere.
    """
    x, y = width_px / camera.width_px, height_px / camera.height_px
    if abs(x / y - 1) > ASPECT_TOLERANCE:
        raise ImageError(
            f"camera_info is for {camera.width_px}x{camera.height_px} pixels, the image has "
            f"{width_px}x{height_px}: remap camera_info to the topic of the same camera"
        )
    # Pixel centres are whole numbers, so the image's corner lies at (-0.5, -0.5).
    scale = np.array([[x, 0.0, (x - 1) / 2], [0.0, y, (y - 1) / 2], [0.0, 0.0, 1.0]])
    return replace(camera, K=scale @ camera.K, width_px=width_px, height_px=height_px)


def _aligned_depth(message: Image, width: int, height: int) -> npt.NDArray[np.float32]:
    depth_m = depth_from_ros(message)
    if depth_m.shape != (height, width):
        raise ImageError(
            f"it has {depth_m.shape[1]}x{depth_m.shape[0]} pixels, the image {width}x{height}"
        )
    return depth_m
