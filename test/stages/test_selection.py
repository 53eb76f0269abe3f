"""The best frame: sharp, whole, facing, exposed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people_fakes import person
from PIL import Image, ImageFilter

from pifuhd_ros.stages.image_io import frame_from_array
from pifuhd_ros.stages.selection import frame_quality, select_frame
from pifuhd_ros.types import Frame, ImageError, PersonDetection

SHAPE = (400, 300)
PERSON = person(SHAPE, middle_px=150, top_px=50, stature_px=320)


def frame(blur_px: float = 0, brightness: float = 1.0, stamp_ns: int = 0) -> Frame:
    rng = np.random.default_rng(0)
    noise = np.kron(rng.integers(40, 200, (80, 60, 3), np.uint8), np.ones((5, 5, 1), np.uint8))
    image = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(blur_px))
    pixels = np.clip(np.asarray(image) * brightness, 0, 255).astype(np.uint8)
    return frame_from_array(pixels, stamp_ns=stamp_ns)


def detect(frame: Frame) -> list[PersonDetection]:
    return [PERSON]


def test_blur_lowers_sharpness_alone() -> None:
    sharp, soft, softer = (frame_quality(frame(blur), PERSON) for blur in (0, 1.5, 4))

    assert sharp.sharpness > soft.sharpness > softer.sharpness
    assert sharp.exposure == soft.exposure == 1
    assert sharp.total > soft.total > softer.total


def test_only_the_person_counts() -> None:
    background_sharp = frame(4).rgb.copy()
    inside = PERSON.mask > 0
    background_sharp[~inside] = frame(0).rgb[~inside]

    quality = frame_quality(frame_from_array(background_sharp), PERSON)

    assert quality.sharpness < 0.3 * frame_quality(frame(0), PERSON).sharpness


def test_exposure_is_the_share_of_pixels_with_detail() -> None:
    half_white = frame().rgb.copy()
    half_white[:, :150] = 255

    assert frame_quality(frame_from_array(half_white), PERSON).exposure == pytest.approx(
        0.5, abs=0.1
    )
    assert frame_quality(frame(brightness=0), PERSON).exposure == 0


def test_cut_off_and_turned_away_people_are_worth_less() -> None:
    assert PERSON.keypoints_world_m is not None
    from_behind = replace(PERSON, keypoints_world_m=PERSON.keypoints_world_m * (-1, 1, 1))
    whole = frame_quality(frame(), PERSON).total

    assert frame_quality(frame(), replace(PERSON, is_cut_off=True)).total < 0.5 * whole
    assert frame_quality(frame(), from_behind).total == pytest.approx(0.5 * whole, rel=0.01)


def test_the_sharpest_frame_is_selected() -> None:
    frames = [frame(2), frame(0, stamp_ns=1), frame(1)]

    assert select_frame(frames, detect) is frames[1]


def test_of_equals_the_newest() -> None:
    frames = [frame(stamp_ns=1), frame(stamp_ns=2)]

    assert select_frame(frames, detect) is frames[1]


def test_frames_without_a_person_lose() -> None:
    frames = [frame(3), frame(0)]

    assert select_frame(frames, lambda f: [PERSON] if f is frames[0] else []) is frames[0]
    assert select_frame(frames, lambda f: []) is frames[1]


def test_a_single_frame_needs_no_look() -> None:
    (only,) = frames = [frame()]

    def never(frame: Frame) -> list[PersonDetection]:
        raise AssertionError("looked")

    assert select_frame(frames, never) is only


def test_no_frames() -> None:
    with pytest.raises(ImageError, match="no frame"):
        select_frame([], detect)
