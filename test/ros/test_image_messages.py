"""Image messages: the layout of each encoding is written out here without OpenCV."""

from __future__ import annotations

import sys
import types
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

import cv2
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from pifuhd_ros.ros import images
from pifuhd_ros.ros.encodings import COLOR_ENCODINGS
from pifuhd_ros.ros.images import compressed_to_ros, depth_from_ros, image_to_ros, rgb_from_ros
from pifuhd_ros.types import ImageError

HEADER = Header(frame_id="camera_optical")
FIND_CV_BRIDGE = images._cv_bridge
BAYER_PATTERNS = ("rggb", "bggr", "gbrg", "grbg")


def random_rgb(height: int = 6, width: int = 8) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def message_of(
    pixels: np.ndarray, encoding: str, *, padding: int = 0, big_endian: bool = False
) -> Image:
    """The message that holds pixels (H, W[, C]), its rows padded with bytes that mean nothing."""
    height, width = pixels.shape[:2]
    wire = pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<"))
    rows = np.frombuffer(wire.tobytes(), np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xAB)
    message = Image(header=HEADER, height=height, width=width, encoding=encoding)
    message.step = rows.shape[1]
    message.is_bigendian = big_endian
    message.data = array("B", rows.tobytes())
    return message


def mosaic_of(rgb: np.ndarray, pattern: str) -> np.ndarray:
    """What a sensor behind a Bayer filter sees: one colour a pixel, as ``pattern`` repeats."""
    mosaic = np.empty(rgb.shape[:2], rgb.dtype)
    for index, letter in enumerate(pattern):
        row, column = divmod(index, 2)
        mosaic[row::2, column::2] = rgb[row::2, column::2, "rgb".index(letter)]
    return mosaic


def flat(color: tuple[int, int, int], dtype: type = np.uint8) -> np.ndarray:
    return np.full((8, 10, 3), color, dtype)


@pytest.fixture(autouse=True)
def without_cv_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own conversions are under test, also where cv_bridge is installed."""
    monkeypatch.setattr(images, "_cv_bridge", lambda: None)


# --- colours ---


@pytest.mark.parametrize("padding", [0, 1, 5])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [("rgb8", [0, 1, 2]), ("bgr8", [2, 1, 0]), ("rgba8", [0, 1, 2, 0]), ("bgra8", [2, 1, 0, 0])],
)
def test_channels_of_8_bit(encoding: str, channels: list[int], padding: int) -> None:
    rgb = random_rgb()
    message = message_of(rgb[:, :, channels], encoding, padding=padding)
    np.testing.assert_array_equal(rgb_from_ros(message), rgb)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [
        ("rgb16", [0, 1, 2]),
        ("bgr16", [2, 1, 0]),
        ("rgba16", [0, 1, 2, 0]),
        ("bgra16", [2, 1, 0, 0]),
    ],
)
def test_channels_of_16_bit(encoding: str, channels: list[int], big_endian: bool) -> None:
    rgb = random_rgb()
    wide = (rgb.astype(np.uint16) * 257)[:, :, channels]
    message = message_of(wide, encoding, padding=3, big_endian=big_endian)
    np.testing.assert_array_equal(rgb_from_ros(message), rgb)


def test_gray_is_repeated() -> None:
    gray = random_rgb()[:, :, 0]
    rgb = rgb_from_ros(message_of(gray, "mono8", padding=2))
    np.testing.assert_array_equal(rgb, np.repeat(gray[:, :, None], 3, axis=2))


@pytest.mark.parametrize("big_endian", [False, True])
def test_every_16_bit_gray_is_rounded_as_cv_bridge_rounds(big_endian: bool) -> None:
    gray = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    rgb = rgb_from_ros(message_of(gray, "mono16", big_endian=big_endian))
    expected = (gray.astype(np.uint32) + 128) // 257  # round(v * 255 / 65535); no ties exist
    np.testing.assert_array_equal(rgb[:, :, 0], expected)
    np.testing.assert_array_equal(rgb[:, :, 0], rgb[:, :, 2])


@pytest.mark.parametrize(
    ("encoding", "order"),
    [("yuv422", "uyvy"), ("uyvy", "uyvy"), ("yuv422_yuy2", "yuyv"), ("yuyv", "yuyv")],
)
def test_yuv_422(encoding: str, order: str) -> None:
    # Two pixels share u and v; their brightness differs. BT.601, limited range.
    luma, u, v = np.array([90.0, 160.0]), 100.0, 170.0
    pair = {"u": [u], "v": [v], "y": list(luma)}
    packed = np.array([pair[letter].pop(0) for letter in order], np.uint8).reshape(1, 2, 2)
    rgb = rgb_from_ros(message_of(np.tile(packed, (4, 3, 1)), encoding, padding=1))
    bright = 255 / 219 * (luma - 16)
    expected = np.stack(
        [
            bright + 1.596 * (v - 128),
            bright - 0.813 * (v - 128) - 0.391 * (u - 128),
            bright + 2.018 * (u - 128),
        ],
        axis=1,
    )
    np.testing.assert_allclose(rgb, np.tile(expected, (4, 3, 1)), atol=1.0)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_bayer_of_one_colour_gives_that_colour(pattern: str, bits: int) -> None:
    color = (200, 120, 30)
    mosaic = mosaic_of(flat(color), pattern)
    if bits == 16:
        mosaic = mosaic.astype(np.uint16) * 257
    rgb = rgb_from_ros(message_of(mosaic, f"bayer_{pattern}{bits}", padding=2, big_endian=True))
    np.testing.assert_array_equal(rgb, flat(color))


@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_bayer_keeps_what_the_sensor_saw(pattern: str) -> None:
    truth = random_rgb(8, 10)
    rgb = rgb_from_ros(message_of(mosaic_of(truth, pattern), f"bayer_{pattern}8"))
    for index, letter in enumerate(pattern):
        row, column = divmod(index, 2)
        channel = "rgb".index(letter)
        inside = np.s_[2 + row : -2 : 2, 2 + column : -2 : 2, channel]
        np.testing.assert_array_equal(rgb[inside], truth[inside])


def test_every_encoding_gives_rgb_of_its_size() -> None:
    for name, encoding in COLOR_ENCODINGS.items():
        shape = (6, 8, encoding.channels) if encoding.channels > 1 else (6, 8)
        rgb = rgb_from_ros(message_of(np.zeros(shape, f"u{encoding.bytes_per_channel}"), name))
        assert rgb.shape == (6, 8, 3)
        assert rgb.dtype == np.uint8
        assert rgb.flags.c_contiguous


def test_a_list_of_numbers_is_read_too() -> None:
    message = types.SimpleNamespace(
        height=1, width=2, encoding="rgb8", step=6, is_bigendian=0, data=[1, 2, 3, 4, 5, 6]
    )
    np.testing.assert_array_equal(rgb_from_ros(message), [[[1, 2, 3], [4, 5, 6]]])


# --- what cannot be read ---


def resized(**fields: Any) -> Callable[[], Image]:
    def make() -> Image:
        message = message_of(random_rgb(), "rgb8")
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    return make


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (resized(width=0), "no pixels: it is 0 x 6"),
        (resized(height=0), "no pixels: it is 8 x 0"),
        (resized(width=2**31, height=2**31), "damaged"),
        (resized(width=9000, height=9000), "megapixels"),
        (resized(step=23), "take 24 bytes a row, its step is 23"),
        (resized(step=0), "its step is 0"),
        (resized(data=array("B", bytes(143))), "144 bytes, it has 143"),
        (resized(data=array("B")), "it has 0"),
        (resized(encoding="h264"), "'h264' is not one that holds colours"),
        (resized(encoding=""), "'' is not one"),
        (resized(encoding="32FC1"), "'32FC1' is not one that holds colours"),
        (lambda: message_of(np.zeros((4, 5, 2), np.uint8), "yuv422"), "width must be even, not 5"),
    ],
)
def test_a_bad_image_is_refused_in_words(make: Callable[[], Image], text: str) -> None:
    with pytest.raises(ImageError, match=text):
        rgb_from_ros(make())


def test_what_opencv_cannot_do_is_an_image_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise cv2.error("no")

    monkeypatch.setattr(cv2, "cvtColor", fail)
    with pytest.raises(ImageError, match="cannot be read as bgr8: no"):
        rgb_from_ros(message_of(random_rgb(), "bgr8"))


# --- depth ---


@pytest.mark.parametrize("encoding", ["16UC1", "mono16"])
@pytest.mark.parametrize("big_endian", [False, True])
def test_depth_in_millimetres(encoding: str, big_endian: bool) -> None:
    depth_mm = np.array([[0, 1, 1500], [2000, 65535, 256]], np.uint16)
    depth_m = depth_from_ros(message_of(depth_mm, encoding, padding=4, big_endian=big_endian))
    assert depth_m.dtype == np.float32
    np.testing.assert_allclose(depth_m, [[np.nan, 0.001, 1.5], [2.0, 65.535, 0.256]], rtol=1e-6)


@pytest.mark.parametrize("big_endian", [False, True])
def test_depth_in_metres(big_endian: bool) -> None:
    values = np.array([[1.25, np.nan, np.inf, -np.inf, -1.0, 0.0, 3.5]], np.float32)
    depth_m = depth_from_ros(message_of(values, "32FC1", big_endian=big_endian, padding=1))
    expected = [[1.25, np.nan, np.nan, np.nan, np.nan, np.nan, 3.5]]
    np.testing.assert_array_equal(depth_m, np.array(expected, np.float32))


def test_colours_are_no_depth() -> None:
    with pytest.raises(ImageError, match=r"'rgb8'; it must be one of 16UC1, mono16, 32FC1"):
        depth_from_ros(message_of(random_rgb(), "rgb8"))


# --- compressed ---


def file_of(pixels: np.ndarray, ending: str) -> bytes:
    """An image file; channels are in the order of OpenCV, blue first."""
    return bytes(cv2.imencode(f".{ending}", pixels)[1])


def compressed(data: bytes, text: str = "png") -> CompressedImage:
    message = CompressedImage(header=HEADER, format=text)
    message.data = array("B", data)
    return message


@pytest.mark.parametrize("text", ["png", "rgb8; png compressed bgr8", "bgr8; png compressed bgr8"])
def test_png_is_read_exactly(text: str) -> None:
    rgb = random_rgb()
    message = compressed(file_of(rgb[:, :, ::-1], "png"), text)
    np.testing.assert_array_equal(rgb_from_ros(message), rgb)


def test_a_file_in_the_other_order_says_so() -> None:
    rgb = random_rgb()
    message = compressed(file_of(rgb, "png"), "rgb8; png compressed rgb8")
    np.testing.assert_array_equal(rgb_from_ros(message), rgb)


def test_jpeg_is_read_nearly() -> None:
    rgb = np.tile(np.linspace(0, 255, 32, dtype=np.uint8)[None, :, None], (24, 1, 3))
    rgb[:, :, 0] = 200
    read = rgb_from_ros(compressed_to_ros(rgb, HEADER))
    assert np.abs(read.astype(int) - rgb).max() < 12


def test_png_of_gray_alpha_and_16_bit() -> None:
    rgb = random_rgb()
    gray = rgb[:, :, 0]
    alpha = np.dstack([rgb[:, :, ::-1], gray])
    wide = rgb[:, :, ::-1].astype(np.uint16) * 257
    repeated = np.repeat(gray[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(rgb_from_ros(compressed(file_of(gray, "png"))), repeated)
    np.testing.assert_array_equal(rgb_from_ros(compressed(file_of(alpha, "png"))), rgb)
    np.testing.assert_array_equal(rgb_from_ros(compressed(file_of(wide, "png"))), rgb)


def test_a_compressed_mosaic_is_interpolated() -> None:
    mosaic = mosaic_of(flat((200, 120, 30)), "gbrg")
    message = compressed(file_of(mosaic, "png"), "bayer_gbrg8; png compressed ")
    np.testing.assert_array_equal(rgb_from_ros(message), flat((200, 120, 30)))


def huge_png() -> bytes:
    data = bytearray(file_of(random_rgb(), "png"))
    data[16:24] = (60000).to_bytes(4, "big") * 2
    return bytes(data)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (compressed(b""), "is empty"),
        (compressed(b"GIF89a" + bytes(50)), "neither JPEG nor PNG"),
        (compressed(file_of(random_rgb(), "webp")), "neither JPEG nor PNG"),
        (compressed(file_of(random_rgb(60, 80), "png")[:-300]), "cut off"),
        (compressed(file_of(random_rgb(60, 80), "jpg")[:-300]), "cut off"),
        (compressed(file_of(random_rgb(60, 80), "jpg")[:30]), "does not say its size"),
        (compressed(b"\x89PNG\r\n\x1a\n" + bytes(30)), "damaged PNG"),
        (compressed(huge_png()), "claims 60000 x 60000"),
        (compressed(file_of(random_rgb(), "png"), "16UC1; compressedDepth png"), "depth image"),
    ],
)
def test_a_bad_compressed_image_is_refused_in_words(message: CompressedImage, text: str) -> None:
    with pytest.raises(ImageError, match=text):
        rgb_from_ros(message)


def test_a_png_damaged_inside_is_refused() -> None:
    data = bytearray(file_of(random_rgb(60, 80), "png"))
    data[60:2000] = bytes(1940)
    with pytest.raises(ImageError, match="damaged"):
        rgb_from_ros(compressed(bytes(data)))


# --- to messages ---


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
def test_raw_round_trip(encoding: str) -> None:
    rgb = random_rgb()
    message = image_to_ros(rgb, HEADER, encoding)
    assert (message.height, message.width, message.step) == (6, 8, 24)
    assert message.header == HEADER
    assert message.encoding == encoding
    np.testing.assert_array_equal(rgb_from_ros(message), rgb)


def test_compressed_round_trip() -> None:
    rgb = random_rgb()
    message = compressed_to_ros(rgb, HEADER, "png")
    assert message.header == HEADER
    np.testing.assert_array_equal(rgb_from_ros(message), rgb)


def test_unknown_formats_are_refused() -> None:
    with pytest.raises(ValueError, match="'rgb8' or 'bgr8', not 'mono8'"):
        image_to_ros(random_rgb(), HEADER, "mono8")
    with pytest.raises(ValueError, match="'jpeg' or 'png', not 'webp'"):
        compressed_to_ros(random_rgb(), HEADER, "webp")


# --- cv_bridge ---


def test_cv_bridge_is_found_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.SimpleNamespace(CvBridge=lambda: "a bridge")
    monkeypatch.setitem(sys.modules, "cv_bridge", module)
    assert FIND_CV_BRIDGE.__wrapped__() == "a bridge"
    monkeypatch.setitem(sys.modules, "cv_bridge", None)  # cannot be imported
    assert FIND_CV_BRIDGE.__wrapped__() is None


def test_cv_bridge_does_the_work_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Image, str]] = []

    class CvBridge:
        def imgmsg_to_cv2(self, message: Image, encoding: str) -> np.ndarray:
            seen.append((message, encoding))
            return np.full((4, 4, 3), 99, np.uint8)

    monkeypatch.setattr(images, "_cv_bridge", CvBridge)
    packed = np.arange(16, dtype=np.uint16).reshape(4, 4)
    rgb = rgb_from_ros(message_of(packed, "mono16", padding=3, big_endian=True))
    np.testing.assert_array_equal(rgb, 99)
    [(message, encoding)] = seen
    assert (message.encoding, encoding) == ("mono16", "rgb8")
    assert message.step == 8  # without padding, and in the byte order of this machine
    np.testing.assert_array_equal(np.frombuffer(message.data, np.uint16), packed.ravel())


def test_what_an_old_cv_bridge_does_not_know_is_done_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class CvBridge:
        def imgmsg_to_cv2(self, message: Image, encoding: str) -> np.ndarray:
            raise TypeError("Unrecognized image encoding")  # CvBridgeError is a TypeError

    monkeypatch.setattr(images, "_cv_bridge", CvBridge)
    rgb = random_rgb()
    np.testing.assert_array_equal(rgb_from_ros(message_of(rgb, "rgb8")), rgb)


def test_same_results_as_cv_bridge() -> None:
    cv_bridge = pytest.importorskip("cv_bridge", reason="cv_bridge is not installed")
    random = np.random.default_rng(3)
    compared = set()
    for name, encoding in COLOR_ENCODINGS.items():
        shape = (16, 18, encoding.channels) if encoding.channels > 1 else (16, 18)
        dtype = np.dtype(f"u{encoding.bytes_per_channel}")
        pixels = random.integers(0, 256**encoding.bytes_per_channel, shape, dtype)
        message = message_of(pixels, name)
        try:
            theirs = cv_bridge.CvBridge().imgmsg_to_cv2(message, "rgb8")
        except cv_bridge.CvBridgeError:
            assert name in ("uyvy", "yuyv", "yuv422_yuy2")
            continue
        np.testing.assert_array_equal(rgb_from_ros(message), theirs, err_msg=name)
        compared.add(name)
    assert len(compared) >= 19
