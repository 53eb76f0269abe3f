"""The bytes of sensor_msgs/Image to an array, with every way they can be wrong."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image

from pifuhd_ros.stages.image_io import MAX_PIXELS
from pifuhd_ros.types import ImageError

NATIVE_IS_BIGENDIAN = sys.byteorder == "big"


def check_image_size(width_px: int, height_px: int) -> None:
    """Refuse sizes that no camera image has, before memory is taken for them.

    Raises:
        ImageError: No pixels, or more than MAX_PIXELS.
    """
    if width_px <= 0 or height_px <= 0:
        raise ImageError(f"the image has no pixels: it is {width_px} x {height_px}")
    if width_px * height_px > MAX_PIXELS:
        raise ImageError(
            f"the image claims {width_px} x {height_px} pixels, more than "
            f"{MAX_PIXELS // 10**6} megapixels: the message is damaged, or the camera must be set "
            f"to a smaller size"
        )


def pixels_from_ros(message: Image, dtype: npt.DTypeLike, channels: int) -> npt.NDArray[np.generic]:
    """Unpack the pixels of an image message: padding of rows and foreign byte order go.

    Args:
        message: The image.
        dtype: Type of one channel, its byte order is left aside.
        channels: Numbers a pixel.

    Returns:
        A new contiguous array (H, W) for one channel, else (H, W, channels), native byte order.

    Raises:
        ImageError: The size is zero or absurd, or ``step`` or ``data`` are too short for it.
    """
    width, height, step = int(message.width), int(message.height), int(message.step)
    check_image_size(width, height)
    wire = np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<")
    row_bytes = width * channels * wire.itemsize
    if step < row_bytes:
        raise ImageError(
            f"the image is malformed: {width} pixels of {message.encoding} take {row_bytes} bytes "
            f"a row, its step is {step}"
        )
    if len(message.data) < height * step:
        raise ImageError(
            f"the image is malformed or cut off: {height} rows of {step} bytes are "
            f"{height * step} bytes, it has {len(message.data)}"
        )
    # A test or a bag reader may have filled the field with a list of numbers.
    data = np.asarray(message.data, np.uint8) if isinstance(message.data, list) else message.data
    rows = np.frombuffer(data, np.uint8, count=height * step).reshape(height, step)
    pixels = rows[:, :row_bytes].copy().view(wire)
    shape = (height, width) if channels == 1 else (height, width, channels)
    return pixels.reshape(shape).astype(wire.newbyteorder("="), copy=False)
