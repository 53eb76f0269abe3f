"""What the encodings of sensor_msgs/Image mean in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Layout = Literal[
    "gray",
    "rgb",
    "bgr",
    "rgba",
    "bgra",
    "uyvy",
    "yuyv",
    "bayer_rggb",
    "bayer_bggr",
    "bayer_gbrg",
    "bayer_grbg",
]
"""What the numbers of a pixel stand for.

A Bayer layout names the top left 2 x 2 pixels of the sensor in reading order; OpenCV names the
same sensor by the 2 x 2 pixels that start one row and one column further: rggb is its BayerBG.
"""


@dataclass(frozen=True)
class Encoding:
    """How one pixel lies in memory."""

    layout: Layout
    channels: int
    bytes_per_channel: int


COLOR_ENCODINGS: dict[str, Encoding] = {
    "rgb8": Encoding("rgb", 3, 1),
    "bgr8": Encoding("bgr", 3, 1),
    "rgba8": Encoding("rgba", 4, 1),
    "bgra8": Encoding("bgra", 4, 1),
    "mono8": Encoding("gray", 1, 1),
    "rgb16": Encoding("rgb", 3, 2),
    "bgr16": Encoding("bgr", 3, 2),
    "rgba16": Encoding("rgba", 4, 2),
    "bgra16": Encoding("bgra", 4, 2),
    "mono16": Encoding("gray", 1, 2),
    "yuv422": Encoding("uyvy", 2, 1),
    "uyvy": Encoding("uyvy", 2, 1),
    "yuv422_yuy2": Encoding("yuyv", 2, 1),
    "yuyv": Encoding("yuyv", 2, 1),
    "bayer_rggb8": Encoding("bayer_rggb", 1, 1),
    "bayer_bggr8": Encoding("bayer_bggr", 1, 1),
    "bayer_gbrg8": Encoding("bayer_gbrg", 1, 1),
    "bayer_grbg8": Encoding("bayer_grbg", 1, 1),
    "bayer_rggb16": Encoding("bayer_rggb", 1, 2),
    "bayer_bggr16": Encoding("bayer_bggr", 1, 2),
    "bayer_gbrg16": Encoding("bayer_gbrg", 1, 2),
    "bayer_grbg16": Encoding("bayer_grbg", 1, 2),
}
"""Encodings whose pixels are light, and which cv_bridge turns into rgb8 too."""

DEPTH_ENCODINGS: dict[str, float] = {"16UC1": 0.001, "mono16": 0.001, "32FC1": 1.0}
"""Metres that one unit of a depth image stands for (REP-118)."""
