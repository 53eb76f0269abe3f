"""The crop convention that the networks are trained on."""

from __future__ import annotations

import numpy as np
import pytest

from pifuhd_ros.geometry.crop_transforms import (
    apply_transform,
    box_of_mask,
    crop_box,
    crop_box_of_keypoints,
    crop_from_model,
    image_from_crop,
    middle_of_seen,
)


def test_the_box_of_a_mask_runs_along_the_outer_pixel_edges() -> None:
    mask = np.zeros((20, 30))
    mask[5:9, 10:21] = 0.9
    mask[0, 0] = 0.5  # not above 0.5

    assert np.array_equal(box_of_mask(mask), [9.5, 4.5, 20.5, 8.5])


def test_an_empty_mask_has_no_box() -> None:
    assert box_of_mask(np.zeros((4, 4), bool)) is None


def test_the_middle_of_what_is_seen_is_that_of_its_box() -> None:
    mask = np.zeros((101, 101))
    assert np.array_equal(middle_of_seen(mask), [0, 0])
    mask[10:91, 40:61] = 1
    assert middle_of_seen(mask) == pytest.approx([0, 0])
    mask[51:] = 0
    assert middle_of_seen(mask) == pytest.approx([0, 0.4])


def test_the_longer_side_fills_ten_elevenths_of_the_crop() -> None:
    square = crop_box([100, 50, 180, 450])

    assert (square.cx_px, square.cy_px) == (140, 250)
    assert square.half_size_px == pytest.approx(0.55 * 400)
    assert crop_box([50, 100, 450, 180]).half_size_px == pytest.approx(0.55 * 400)


@pytest.mark.parametrize("box", [[0, 0, 0, 5], [5, 0, 3, 5], [0, 0, np.nan, 5], [1, 2, 3]])
def test_a_box_without_area_is_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="box"):
        crop_box(box)


@pytest.mark.parametrize("size", [2, 64, 512])
def test_the_model_box_spans_the_square(size: int) -> None:
    square = crop_box([100, 50, 180, 450])
    frame_from_model = image_from_crop(square, size) @ crop_from_model(size)

    corners = apply_transform(frame_from_model, [[-1, 1], [1, -1], [0, 0]])

    half = square.half_size_px
    assert np.allclose(corners, [[140 - half, 250 - half], [140 + half, 250 + half], [140, 250]])


def test_model_space_falls_on_the_pixels_of_align_corners() -> None:
    x, y, size = 0.3, -0.7, 512

    (pixel,) = apply_transform(crop_from_model(size), [[x, y]])

    assert np.allclose(pixel, [(x + 1) / 2 * (size - 1), (1 - y) / 2 * (size - 1)])


def test_a_crop_of_one_pixel_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        image_from_crop(crop_box([0, 0, 1, 1]), 1)


def test_the_published_crop_with_feet_in_sight() -> None:
    points = np.zeros((25, 3))
    points[0] = 100, 50, 0.9
    points[11] = 120, 450, 0.6
    points[4] = 400, 900, 0.1  # unsure: not counted

    square = crop_box_of_keypoints(points)

    assert square == pytest.approx((110, 250, 0.65 * 400))


def test_the_published_crop_of_an_upper_body() -> None:
    points = np.zeros((25, 3))
    points[0] = 100, 50, 0.9
    points[8] = 100, 250, 0.9

    square = crop_box_of_keypoints(points)

    assert square == pytest.approx((100, 250 + 0.05 * 290, 290))


def test_the_published_crop_needs_keypoints() -> None:
    with pytest.raises(ValueError, match="two of confidence"):
        crop_box_of_keypoints(np.zeros((25, 3)))
