"""Image messages to arrays and back.

The results are those of cv_bridge (vision_opencv, cv_bridge.cpp, getConversionCodes): where it is
installed it does the work, where it is not, the same OpenCV conversions are called here. Rows and
byte order are unpacked before, because cv_bridge's Python half shears three-channel images whose
step is no multiple of three.
"""

from __future__ import annotations

from array import array
from contextlib import suppress
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from pifuhd_ros.ros.encoded import encoded_size_px
from pifuhd_ros.ros.encodings import (
    COLOR_ENCODINGS,
    DEPTH_ENCODINGS,
    Encoding,
    Layout,
)
from pifuhd_ros.ros.pixels import NATIVE_IS_BIGENDIAN, check_image_size, pixels_from_ros
from pifuhd_ros.types import ImageError

_TO_RGB: dict[Layout, int | None] = {
    "gray": cv2.COLOR_GRAY2RGB,
    "rgb": None,
    "bgr": cv2.COLOR_BGR2RGB,
    "rgba": cv2.COLOR_RGBA2RGB,
    "bgra": cv2.COLOR_BGRA2RGB,
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuyv": cv2.COLOR_YUV2RGB_YUY2,
    "bayer_rggb": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg": cv2.COLOR_BayerGB2RGB,
}


def rgb_from_ros(message: Image | CompressedImage) -> npt.NDArray[np.uint8]:
    """Turn an image message into RGB.

    16-bit channels are scaled to 8 bit, gray is repeated, Bayer patterns are interpolated, an
    alpha channel is dropped: as cv_bridge does with "rgb8".

    Args:
        message: A raw image of one of COLOR_ENCODINGS, or a JPEG or PNG.

    Returns:
        (H, W, 3) sRGB.

    Raises:
        ImageError: The image is empty, malformed, absurdly large, damaged, or of an encoding that
            is no colour image; the message says which.
    """
    if isinstance(message, CompressedImage):
        return _rgb_from_compressed(message)
    encoding = COLOR_ENCODINGS.get(message.encoding)
    if encoding is None:
        raise ImageError(
            f"the image encoding {message.encoding!r} is not one that holds colours or gray; "
            f"it must be one of {', '.join(COLOR_ENCODINGS)}"
        )
    dtype = np.dtype(f"u{encoding.bytes_per_channel}")
    return _to_rgb(pixels_from_ros(message, dtype, encoding.channels), message.encoding)


def depth_from_ros(message: Image) -> npt.NDArray[np.float32]:
    """Turn a depth image message into metres (REP-118).

    Args:
        message: 16UC1 (or mono16) in millimetres, or 32FC1 in metres.

    Returns:
        (H, W) metres along the optical axis; NaN where the depth is unknown (0, infinite,
        negative or NaN in the message).

    Raises:
        ImageError: The image is empty, malformed, absurdly large, or of another encoding.
    """
    unit_m = DEPTH_ENCODINGS.get(message.encoding)
    if unit_m is None:
        raise ImageError(
            f"the depth image has encoding {message.encoding!r}; it must be one of "
            f"{', '.join(DEPTH_ENCODINGS)} (REP-118)"
        )
    dtype = np.float32 if message.encoding == "32FC1" else np.uint16
    depth_m = pixels_from_ros(message, dtype, 1).astype(np.float32) * np.float32(unit_m)
    depth_m[~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    return depth_m


def image_to_ros(rgb: npt.NDArray[np.uint8], header: Header, encoding: str = "rgb8") -> Image:
    """Turn RGB into a raw image message.

    Args:
        rgb: (H, W, 3) sRGB.
        header: Stamp and frame_id to give it.
        encoding: "rgb8" or "bgr8".
    """
    if encoding not in ("rgb8", "bgr8"):
        raise ValueError(f"encoding must be 'rgb8' or 'bgr8', not {encoding!r}")
    pixels = rgb if encoding == "rgb8" else rgb[:, :, ::-1]
    return _image_message(np.ascontiguousarray(pixels), encoding, header)


def compressed_to_ros(
    rgb: npt.NDArray[np.uint8], header: Header, file_format: str = "jpeg"
) -> CompressedImage:
    """Turn RGB into a compressed image message.

    Args:
        rgb: (H, W, 3) sRGB.
        header: Stamp and frame_id to give it.
        file_format: "jpeg" or "png".
    """
    if file_format not in ("jpeg", "png"):
        raise ValueError(f"file_format must be 'jpeg' or 'png', not {file_format!r}")
    _, data = cv2.imencode(f".{file_format}", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    message = CompressedImage(header=header, format=f"rgb8; {file_format} compressed bgr8")
    message.data = array("B", data.tobytes())
    return message


def _rgb_from_compressed(message: CompressedImage) -> npt.NDArray[np.uint8]:
    # As compressed_image_transport writes it: "<encoding of the source>; <file format> compressed
    # <order of the colours in the file>"; other drivers write just the file format.
    source, _, rest = message.format.partition(";")
    if "compressedDepth" in message.format:
        raise ImageError("the compressed image is a depth image (compressedDepth), not colours")
    data = bytes(message.data)
    if not data:
        raise ImageError("the compressed image is empty")
    check_image_size(*encoded_size_px(data))
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"the compressed image cannot be decoded: {error}") from error
    if pixels is None:
        raise ImageError("the compressed image is damaged: it cannot be decoded")
    bits = 8 * pixels.dtype.itemsize
    if bits > 16:
        raise ImageError(f"the compressed image has {bits} bits a channel; 8 and 16 can be read")
    if pixels.ndim == 2:
        name = source if source.startswith("bayer_") and source.endswith(str(bits)) else "mono"
        encoding = name if name in COLOR_ENCODINGS else f"mono{bits}"
    else:
        order = "rgb" if "compressed rgb" in rest else "bgr"
        encoding = f"{order}{'a' if pixels.shape[2] == 4 else ''}{bits}"
    return _to_rgb(pixels, encoding)


def _to_rgb(pixels: npt.NDArray[Any], encoding: str) -> npt.NDArray[np.uint8]:
    layout = COLOR_ENCODINGS[encoding].layout
    if layout in ("uyvy", "yuyv") and pixels.shape[1] % 2:
        raise ImageError(
            f"the image is malformed: {encoding} has two pixels in four bytes, its width must be "
            f"even, not {pixels.shape[1]}"
        )
    bridge = _cv_bridge()
    if bridge is not None:
        # CvBridgeError is a TypeError: older ones do not know every encoding.
        with suppress(TypeError):
            message = _image_message(pixels, encoding, Header())
            rgb: npt.NDArray[np.uint8] = bridge.imgmsg_to_cv2(message, "rgb8")
            return rgb
    try:
        return _with_opencv(pixels, COLOR_ENCODINGS[encoding])
    except cv2.error as error:  # For one, a Bayer image of a single row.
        raise ImageError(f"the image cannot be read as {encoding}: {error}") from error


def _with_opencv(pixels: npt.NDArray[Any], encoding: Encoding) -> npt.NDArray[np.uint8]:
    code = _TO_RGB[encoding.layout]
    rgb = pixels if code is None else cv2.cvtColor(pixels, code)
    if encoding.bytes_per_channel == 2:
        rgb = cv2.convertScaleAbs(rgb, alpha=255 / 65535)
    return np.ascontiguousarray(rgb, np.uint8)


@cache
def _cv_bridge() -> Any | None:
    try:
        from cv_bridge import CvBridge
    except ImportError:
        return None
    return CvBridge()


def _image_message(pixels: npt.NDArray[Any], encoding: str, header: Header) -> Image:
    height, width = pixels.shape[:2]
    message = Image(header=header, height=height, width=width, encoding=encoding)
    message.is_bigendian = NATIVE_IS_BIGENDIAN
    message.step = pixels.nbytes // height
    message.data = array("B", pixels.tobytes())
    return message
