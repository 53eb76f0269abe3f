"""Image files and arrays to frames."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.geometry.cameras import camera_from_focal
from pifuhd_ros.types import Camera, Frame, ImageError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 64_000_000
"""Larger images are refused before memory is taken for them."""
FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""What EXIF's 35 mm equivalent focal length refers to."""

_EXIF_IFD = 0x8769
_FOCAL_LENGTH_IN_35MM = 0xA405


def read_frame(path: str | Path, *, camera: Camera | None = None) -> Frame:
    """The frame in an image file: upright, 8 bit sRGB, with the file's opacity where it has one.

    Grayscale, palette, CMYK and 16-bit images are converted; of an animation the first image is
    taken. Where no camera is given and the file names its 35 mm equivalent focal length, that
    makes a guessed camera.

    Args:
        path: PNG, JPEG, WebP, TIFF, BMP … whatever Pillow reads.
        camera: the camera that took the image, if known; its size is the upright image's.

    Raises:
        ImageError: the file is missing, empty, no image, damaged, fully transparent, or larger
            than 64 megapixels; or the camera is of another size.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise ImageError(f"{path} is not a file: name an image, for example photo.jpg")
    if path.stat().st_size == 0:
        raise ImageError(f"{path} is empty: the image was not written to the end")
    try:
        with warnings.catch_warnings():
            # Our own limit below is stricter than the one Pillow warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
        with image:
            _check_size(image.width, image.height, str(path))
            focal_35mm = float(image.getexif().get_ifd(_EXIF_IFD).get(_FOCAL_LENGTH_IN_35MM, 0))
            pixels = _pixels(ImageOps.exif_transpose(image), str(path))
    except Image.DecompressionBombError as error:
        raise ImageError(_too_large(str(path))) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{path} is not an image that can be read: use PNG or JPEG") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"{path} cannot be read, the file may be damaged: {error}") from error
    if camera is None and focal_35mm > 0:
        height, width = pixels.shape[:2]
        focal_px = focal_35mm / FULL_FRAME_DIAGONAL_MM * math.hypot(width, height)
        camera = camera_from_focal(focal_px, width, height)
    return frame_from_array(pixels, camera=camera)


def frame_from_array(
    array: npt.NDArray[Any],
    *,
    camera: Camera | None = None,
    depth_m: npt.NDArray[np.float32] | None = None,
    stamp_ns: int = 0,
    frame_id: str = "",
) -> Frame:
    """The frame of an image in memory.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; uint8, uint16 (the full range
            is scaled to 8 bit), bool, or floating point in [0, 1].
        camera: the camera that took it, of the same size, or None.
        depth_m: (H, W) metres along the optical axis, 0 or NaN where unknown, or None.
        stamp_ns: time of the exposure, nanoseconds.
        frame_id: name of the camera's optical frame.

    Raises:
        ImageError: the array is empty, larger than 64 megapixels, fully transparent, or of
            another layout; or the camera or the depth image is of another size.
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ImageError(
            f"expected an image of shape (H, W), (H, W, 3) or (H, W, 4), got {array.shape}"
        )
    height, width, channels = array.shape
    _check_size(width, height, "the image")
    if camera is not None and (camera.width_px, camera.height_px) != (width, height):
        raise ImageError(
            f"the camera is calibrated for {camera.width_px} x {camera.height_px} pixels, "
            f"the image has {width} x {height}: give the calibration of this image size"
        )
    if depth_m is not None and depth_m.shape != (height, width):
        raise ImageError(
            f"the depth image is {depth_m.shape[1]} x {depth_m.shape[0]} pixels, "
            f"the colour image {width} x {height}: align the depth to the colour image"
        )
    pixels = _to_uint8(array)
    alpha = pixels[..., 3] if channels == 4 else None
    if alpha is not None and not alpha.any():
        raise ImageError("the image is fully transparent: there is nothing to reconstruct")
    if alpha is not None and alpha.min() == 255:
        alpha = None
    rgb = np.repeat(pixels, 3, axis=2) if channels == 1 else pixels[..., :3]
    return Frame(
        rgb=np.ascontiguousarray(rgb),
        camera=camera,
        depth_m=None if depth_m is None else np.asarray(depth_m, dtype=np.float32),
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
    )


def _pixels(image: Image.Image, name: str) -> npt.NDArray[Any]:
    """The pixels of a Pillow image of any mode, in a layout that frame_from_array takes."""
    if image.mode in ("RGB", "RGBA", "L"):
        if "transparency" in image.info:
            image = image.convert("RGBA")
        return np.asarray(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode == "I":
        wide = np.asarray(image)
        if wide.min() < 0 or wide.max() > 65535:
            raise ImageError(f"{name} holds 32-bit integers: convert it to 8 or 16 bit")
        return wide.astype(np.uint16)
    if image.mode == "F":
        return np.asarray(image)
    has_alpha = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if has_alpha else "RGB"))


def _to_uint8(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ImageError("a floating-point image must be finite and lie in [0, 1]: rescale it")
        return np.asarray(np.rint(array * 255), dtype=np.uint8)
    raise ImageError(f"expected uint8, uint16 or floating-point pixels, got {array.dtype}")


def _check_size(width: int, height: int, name: str) -> None:
    if width == 0 or height == 0:
        raise ImageError(f"{name} is empty ({width} x {height} pixels)")
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(f"{name} ({width} x {height} pixels)"))


def _too_large(name: str) -> str:
    return f"{name} is larger than {MAX_PIXELS // 10**6} megapixels: scale it down first"
