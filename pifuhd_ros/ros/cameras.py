"""Camera calibration messages."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from pifuhd_ros.types import Camera, ImageError

_PLUMB_BOB_COEFFICIENTS = 5


def camera_from_ros(message: CameraInfo, width_px: int = 0, height_px: int = 0) -> Camera | None:
    """Turn a calibration message into the camera of the images it goes with.

    The message is about the full sensor; where the images are binned or a region of interest,
    the intrinsics returned are those of the images.

    Args:
        message: The calibration. Its K and D are used: it goes with raw, not rectified, images.
        width_px: Width of the images, used where the message leaves its own at 0.
        height_px: Height likewise.

    Returns:
        The camera, or None for a camera that is not calibrated (K is zero).

    Raises:
        ImageError: K is not that of a camera, or the distortion is of another model than
            plumb_bob.
    """
    K = np.array(message.k, np.float64).reshape(3, 3)
    if not K.any():
        return None
    if not (np.isfinite(K).all() and K[0, 0] > 0 and K[1, 1] > 0 and K[2, 2] == 1):
        raise ImageError(
            f"camera_info has no usable K (focal lengths {K[0, 0]:g} and {K[1, 1]:g} px): "
            f"calibrate the camera, or leave K at zero"
        )
    roi = message.roi
    width = roi.width or message.width or width_px
    height = roi.height or message.height or height_px
    binning = np.array([max(message.binning_x, 1), max(message.binning_y, 1)], np.float64)
    # The centre of a binned pixel lies between the centres of the pixels that it gathers.
    K[:2, 2] = (K[:2, 2] - (roi.x_offset, roi.y_offset) + 0.5) / binning - 0.5
    K[[0, 1], [0, 1]] /= binning
    K[0, 1] /= binning[0]
    return Camera(
        K=K,
        width_px=int(width // binning[0]),
        height_px=int(height // binning[1]),
        distortion=_distortion(message),
    )


def camera_to_ros(camera: Camera, header: Header) -> CameraInfo:
    """Turn a camera into a calibration message of unrectified images."""
    message = CameraInfo(header=header, width=camera.width_px, height=camera.height_px)
    message.distortion_model = "plumb_bob"
    distortion = np.zeros(_PLUMB_BOB_COEFFICIENTS)
    if camera.distortion is not None:
        distortion[: len(camera.distortion)] = camera.distortion
    message.d = distortion.tolist()
    message.k = camera.K.ravel().tolist()
    message.r = np.eye(3).ravel().tolist()
    message.p = np.hstack([camera.K, np.zeros((3, 1))]).ravel().tolist()
    return message


def _distortion(message: CameraInfo) -> npt.NDArray[np.float64] | None:
    coefficients = np.array(message.d, np.float64)
    if not coefficients.any():
        return None
    # rational_polynomial with nothing beyond k3 is plumb_bob.
    is_plumb_bob = message.distortion_model in ("", "plumb_bob", "rational_polynomial")
    if not is_plumb_bob or coefficients[_PLUMB_BOB_COEFFICIENTS:].any():
        raise ImageError(
            f"camera_info has {len(coefficients)} distortion coefficients of the model "
            f"{message.distortion_model!r}; only plumb_bob is understood: rectify the images "
            f"(image_proc) and give the camera_info of the rectified ones, with an empty d"
        )
    return coefficients[:_PLUMB_BOB_COEFFICIENTS]
