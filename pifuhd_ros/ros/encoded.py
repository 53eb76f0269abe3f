"""Look into JPEG and PNG files before they are decoded."""

from __future__ import annotations

import struct

from pifuhd_ros.types import ImageError

_PNG_START = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
# Start-of-frame markers carry the size; C4, C8 and CC lie among them and are something else.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN = 0xDA
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def encoded_size_px(data: bytes) -> tuple[int, int]:
    """Read width and height out of a JPEG or PNG file, and check that its end is there.

    Decoders fill what is missing with grey and say nothing, and take memory for any size that
    the file claims: so this looks first.

    Returns:
        Width and height, in pixels.

    Raises:
        ImageError: Neither JPEG nor PNG, damaged, or cut off.
    """
    if data.startswith(_PNG_START):
        return _png_size_px(data)
    if data.startswith(_JPEG_START):
        return _jpeg_size_px(data)
    raise ImageError(
        "the compressed image is neither JPEG nor PNG: let the camera driver publish one of them"
    )


def _png_size_px(data: bytes) -> tuple[int, int]:
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise ImageError("the compressed image is a damaged PNG: its header is missing")
    if b"IEND" not in data[-64:]:
        raise ImageError("the compressed image is cut off: the end of the PNG is missing")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg_size_px(data: bytes) -> tuple[int, int]:
    size: tuple[int, int] | None = None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # Filling bytes may stand before a marker.
            at += 1
            continue
        if marker in _JPEG_WITHOUT_LENGTH:
            at += 2
            continue
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        if marker in _JPEG_FRAMES and at + 9 <= len(data):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            size = (width, height)
        at += 2 + length
        if marker == _JPEG_SCAN:
            break
    if size is None:
        raise ImageError("the compressed image is a damaged JPEG: it does not say its size")
    if data.rfind(_JPEG_END) < at:
        raise ImageError("the compressed image is cut off: the end of the JPEG is missing")
    return size
