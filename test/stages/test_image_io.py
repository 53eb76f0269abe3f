"""Every image a user may bring becomes an upright 8-bit RGB frame, or a clear error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pifuhd_ros.stages.image_io import frame_from_array, read_frame
from pifuhd_ros.types import Camera, ImageError

RAMP = np.tile(np.arange(256, dtype=np.uint8), (4, 1))


@pytest.fixture
def rgb() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))


@pytest.mark.parametrize(
    ("ending", "tolerance"), [("png", 0), ("bmp", 0), ("jpg", 12), ("webp", 12)]
)
def test_colour_files(tmp_path: Path, rgb: np.ndarray, ending: str, tolerance: int) -> None:
    path = tmp_path / f"image.{ending}"
    Image.fromarray(rgb).save(path, quality=100, lossless=True)

    frame = read_frame(path)

    assert frame.rgb.dtype == np.uint8
    assert frame.rgb.shape == rgb.shape
    assert np.abs(frame.rgb.astype(int) - rgb).mean() <= tolerance
    assert frame.alpha is None
    assert frame.camera is None


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "LA", "RGBA", "RGB"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    gray = np.where(RAMP > 127, 255, 0).astype(np.uint8)
    path = tmp_path / ("image.jpg" if mode in ("CMYK", "YCbCr") else "image.png")
    Image.fromarray(gray).convert("RGB").convert(mode).save(path, quality=100)

    frame = read_frame(path)

    assert frame.rgb.shape == (4, 256, 3)
    assert np.abs(frame.rgb.astype(int) - gray[..., None]).max() <= 4


def test_sixteen_bit_grayscale_is_scaled_over_its_full_range(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "deep.png")

    assert np.array_equal(read_frame(tmp_path / "deep.png").rgb[..., 0], RAMP)


def test_floating_point_images_lie_between_0_and_1(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.float32) / 255).save(tmp_path / "float.tiff")

    assert np.array_equal(read_frame(tmp_path / "float.tiff").rgb[..., 1], RAMP)
    with pytest.raises(ImageError, match=r"\[0, 1\]"):
        frame_from_array(RAMP.astype(np.float32))


def test_opacity_is_kept(tmp_path: Path, rgb: np.ndarray) -> None:
    alpha = np.zeros(rgb.shape[:2], np.uint8)
    alpha[4:20] = 200
    Image.fromarray(np.dstack([rgb, alpha])).save(tmp_path / "cut_out.png")

    frame = read_frame(tmp_path / "cut_out.png")

    assert frame.alpha is not None
    assert np.array_equal(frame.alpha, alpha)
    assert np.array_equal(frame.rgb, rgb)


def test_a_transparent_palette_entry_is_opacity(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 1]], np.uint8), mode="P")
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.save(tmp_path / "palette.png", transparency=0)

    frame = read_frame(tmp_path / "palette.png")

    assert frame.alpha is not None
    assert frame.alpha.tolist() == [[0, 255], [255, 255]]
    assert frame.rgb[1, 1].tolist() == [0, 255, 0]


def test_full_opacity_is_none(rgb: np.ndarray) -> None:
    opaque = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])

    assert frame_from_array(opaque).alpha is None


def test_full_transparency_is_refused(rgb: np.ndarray) -> None:
    with pytest.raises(ImageError, match="fully transparent"):
        frame_from_array(np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)]))


def test_a_photo_is_turned_upright(tmp_path: Path, rgb: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held a quarter turn to the right
    Image.fromarray(rgb).save(tmp_path / "portrait.png", exif=exif)

    assert np.array_equal(read_frame(tmp_path / "portrait.png").rgb, np.rot90(rgb, -1))


def test_the_focal_length_of_a_photo_makes_a_guessed_camera(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 36
    Image.fromarray(np.zeros((200, 300, 3), np.uint8)).save(tmp_path / "photo.jpg", exif=exif)

    camera = read_frame(tmp_path / "photo.jpg").camera

    assert camera is not None
    assert camera.is_guess
    assert (camera.width_px, camera.height_px) == (300, 200)
    assert camera.K[0, 0] == pytest.approx(300)  # a 3:2 image is as a 36 mm wide frame


def test_twelve_megapixels(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((3000, 4000), np.uint8)).save(tmp_path / "large.png")

    assert read_frame(tmp_path / "large.png").rgb.shape == (3000, 4000, 3)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    for size in ((9000, 9000), (20000, 20000)):
        Image.new("1", size).save(tmp_path / "bomb.png")
        with pytest.raises(ImageError, match="larger than 64 megapixels: scale it down"):
            read_frame(tmp_path / "bomb.png")


def test_unreadable_files(tmp_path: Path, rgb: np.ndarray) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("hello")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(
        tmp_path / "whole.png"
    )
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])

    for name, message in (
        ("missing.jpg", "is not a file"),
        (".", "is not a file"),
        ("empty.jpg", "is empty"),
        ("text.jpg", "not an image that can be read"),
        ("truncated.png", "cannot be read"),
    ):
        with pytest.raises(ImageError, match=message):
            read_frame(tmp_path / name)


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0), (5, 5, 2), (5, 5, 3, 1), (5,), ()])
def test_arrays_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match=r"shape|empty"):
        frame_from_array(np.zeros(shape, np.uint8))


def test_arrays_of_another_type_are_refused() -> None:
    with pytest.raises(ImageError, match="int64"):
        frame_from_array(np.zeros((5, 5), np.int64))


def test_depth_and_camera_must_fit_the_image() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    camera = Camera(K=np.eye(3), width_px=6, height_px=4)

    frame = frame_from_array(
        image, camera=camera, depth_m=np.ones((4, 6)), stamp_ns=5, frame_id="optical"
    )

    assert frame.depth_m is not None
    assert frame.depth_m.dtype == np.float32
    assert (frame.stamp_ns, frame.frame_id, frame.camera) == (5, "optical", camera)
    with pytest.raises(ImageError, match="align the depth"):
        frame_from_array(image, depth_m=np.ones((6, 4), np.float32))
    with pytest.raises(ImageError, match="calibrated for 4 x 6"):
        frame_from_array(image, camera=Camera(K=np.eye(3), width_px=4, height_px=6))
