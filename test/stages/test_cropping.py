"""Crops: the geometry to the pixel, the background gone, no aliasing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from people_fakes import person

from pifuhd_ros.geometry.crop_transforms import apply_transform, crop_box
from pifuhd_ros.stages.cropping import body_box, crop_person, crop_square
from pifuhd_ros.stages.image_io import frame_from_array
from pifuhd_ros.types import PersonDetection


def box_detection(shape: tuple[int, int], box: tuple[int, int, int, int]) -> PersonDetection:
    """A person whose mask is a rectangle left, top, right, bottom (exclusive)."""
    left, top, right, bottom = box
    mask = np.zeros(shape, np.float32)
    mask[top:bottom, left:right] = 1
    return PersonDetection(
        box_xyxy_px=np.array([left, top, right, bottom]) - 0.5,
        mask=mask,
        keypoints_px=np.zeros((33, 3)),
        score=1.0,
    )


@pytest.mark.parametrize("size", [64, 128, 512])
def test_the_person_fills_ten_elevenths(size: int) -> None:
    shape = (400, 300)
    detection = box_detection(shape, (100, 50, 180, 350))

    crop = crop_person(frame_from_array(np.full((*shape, 3), 200, np.uint8)), detection, size)

    assert crop.image.shape == (3, size, size)
    assert crop.mask.shape == (size, size)
    assert crop.image.dtype == crop.mask.dtype == torch.float32
    rows = torch.nonzero(crop.mask.sum(1) > 0)
    share = (rows[-1] - rows[0] + 1).item() / size
    assert share == pytest.approx(1 / 1.1, abs=2.5 / size)


@pytest.mark.parametrize(("person_px", "size"), [(300, 64), (300, 512), (60, 512), (333, 301)])
def test_image_from_crop_leads_each_crop_pixel_to_its_frame_pixel(
    person_px: int, size: int
) -> None:
    """A linear ramp survives any resampling: the crop's values tell where they came from."""
    shape = (400, 350)
    v, u = np.mgrid[: shape[0], : shape[1]]
    ramp = np.stack([u / 400, v / 400, np.zeros_like(u, float)], axis=2)
    detection = box_detection(shape, (20, 20, 20 + person_px // 2, 20 + person_px))

    crop = crop_person(frame_from_array(ramp), detection, size)

    inside = torch.nn.functional.max_pool2d((crop.mask < 1).float()[None], 9, 1, 4)[0] == 0
    rows, columns = np.nonzero(inside.numpy())
    assert len(rows) > 100
    frame_px = apply_transform(crop.image_from_crop, np.column_stack([columns, rows]))
    values = crop.image[:2, rows, columns].numpy().T
    error_px = values * 400 - frame_px
    assert np.abs(error_px).max() < 400 / 255 * 1.1  # 8 bit in, 8 bit out
    assert np.abs(error_px.mean(axis=0)).max() < 0.25  # of half a pixel that a wrong edge costs


def test_background_is_black_and_does_not_bleed_in() -> None:
    shape = (400, 300)
    detection = box_detection(shape, (100, 50, 180, 350))
    rgb = np.full((*shape, 3), 255, np.uint8)
    rgb[detection.mask > 0] = (0, 100, 0)

    crop = crop_person(frame_from_array(rgb), detection, 128)

    assert crop.image[0].max() < 0.01  # nothing of the white background
    assert torch.allclose(crop.image[1], crop.mask * 100 / 255, atol=0.01)
    assert crop.image[:, 0].max() == 0


def test_beyond_the_frame_is_black() -> None:
    shape = (100, 100)
    detection = box_detection(shape, (0, 0, 100, 100))

    crop = crop_person(frame_from_array(np.full((*shape, 3), 255, np.uint8)), detection, 110)

    assert crop.mask[:4].max() == 0
    assert crop.mask[:, -4:].max() == 0
    assert crop.mask[7:-7, 7:-7].min() == 1


@pytest.mark.parametrize("size", [20, 64, 300])
def test_resampling_keeps_the_area_of_a_person_who_fills_the_frame(size: int) -> None:
    shape = (200, 100)
    detection = box_detection(shape, (0, 0, 100, 200))

    crop = crop_person(frame_from_array(np.full(shape, 255, np.uint8)), detection, size)

    px_per_crop_px = crop.image_from_crop[0, 0]
    assert crop.mask.sum().item() * px_per_crop_px**2 == pytest.approx(100 * 200, rel=0.01)


def test_shrinking_averages_instead_of_aliasing() -> None:
    shape = (1200, 900)
    v, u = np.mgrid[: shape[0], : shape[1]]
    stripes = np.where((u + v) % 2 == 0, 255, 0).astype(np.uint8)

    crop = crop_person(frame_from_array(stripes), box_detection(shape, (200, 50, 700, 1150)), 64)

    inside = crop.image[0, 10:-10, 25:-25]
    assert inside.mean() == pytest.approx(0.5, abs=0.01)
    assert inside.std() < 0.01


def test_a_twelve_megapixel_person_who_is_cut_off() -> None:
    shape = (4000, 3000)
    fake = person(shape, middle_px=1500, top_px=100, stature_px=6000)

    crop = crop_person(frame_from_array(np.full(shape, 200, np.uint8)), fake, 256)

    assert crop.mask.max() == 1
    assert crop.mask[-20:].max() == 0  # the legs are not known


def test_the_whole_body_of_a_person_cut_off_at_the_hips() -> None:
    """The unseen part is estimated: as if the whole person were in the image."""
    whole = person((1000, 600), middle_px=300, top_px=50, stature_px=800)
    half = person((500, 600), middle_px=300, top_px=50, stature_px=800)

    assert half.is_cut_off
    assert np.abs(body_box(half) - whole.box_xyxy_px).max() < 0.03 * 800
    assert np.array_equal(body_box(whole), whole.box_xyxy_px)
    assert crop_square(whole) == crop_box(whole.box_xyxy_px)


def test_an_absurd_guess_of_the_unseen_part_is_limited() -> None:
    half = person((500, 600), middle_px=300, top_px=50, stature_px=800)
    wild = replace(half, keypoints_px=half.keypoints_px * (1, 100, 1))

    assert body_box(wild)[3] - body_box(wild)[1] <= 3 * 450


def test_the_published_framing_shows_gray_behind_the_person_and_black_beyond_the_frame() -> None:
    shape = (500, 300)
    fake = person(shape, middle_px=150, top_px=50, stature_px=400)
    frame = frame_from_array(np.full((*shape, 3), 255, np.uint8))

    crop = crop_person(frame, fake, 128, "keypoints")

    # Keypoints from the nose (0.09) to the toes (0.985): 0.65 of 0.895 statures is the radius.
    assert crop_square(fake, "keypoints").half_size_px == pytest.approx(
        0.65 * 0.915 * 400, rel=0.01
    )
    square = crop_square(fake, "keypoints")
    column = int(127 * (5 - square.cx_px + square.half_size_px) / (2 * square.half_size_px))
    assert crop.image[:, 64, column + 2].numpy() == pytest.approx(0.5, abs=0.01)
    assert crop.image[:, 64, 1].max() == 0
    assert crop.image[:, 64, 64].min() == 1
