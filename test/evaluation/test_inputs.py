from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from truths import CROP_PX, box_person

from pifuhd_ros.evaluation.inputs import give_input
from pifuhd_ros.geometry.crop_transforms import box_of_mask
from pifuhd_ros.types import Frame, NoPersonError, PersonDetection


def detection_of(mask: np.ndarray) -> PersonDetection:
    box = box_of_mask(mask)
    assert box is not None
    return PersonDetection(box, mask.astype(np.float32), np.zeros((33, 3)), score=0.9)


def test_what_the_detector_finds_first_is_what_the_systems_get() -> None:
    truth = box_person()
    half = truth.mask.copy()
    half[: half.shape[0] // 2] = 0
    other = np.zeros_like(half)
    other[:4, :4] = 1
    seen: list[Frame] = []

    def detect(frame: Frame) -> list[PersonDetection]:
        seen.append(frame)
        return [detection_of(half), detection_of(other)]

    given = give_input(truth, "detected", detect, CROP_PX)
    assert seen == [truth.photo]
    assert given.record.detected
    assert given.record.person == truth.name
    assert given.record.mask_iou == pytest.approx(half.sum() / truth.mask.sum())
    assert set(given.record.timings_s) == {"detect", "crop"}
    assert given.crop.mask.shape == (CROP_PX, CROP_PX)
    # 1.1 times the longer side of the found half, not of the person.
    side_px = given.crop.image_from_crop[0, 0] * (CROP_PX - 1)
    box = box_of_mask(half)
    assert box is not None
    assert side_px == pytest.approx(1.1 * max(box[2] - box[0], box[3] - box[1]))


@pytest.mark.parametrize("kind", ["detected", "true"])
def test_where_no_one_is_found_the_true_mask_counts_and_the_record_says_so(kind: str) -> None:
    truth = box_person()
    given = give_input(truth, kind, lambda frame: [], CROP_PX)  # type: ignore[arg-type]
    assert not given.record.detected
    assert given.record.mask_iou == 1.0
    assert given.record.timings_s == {}
    inside = given.crop.mask > 0.9
    colours = torch.tensor([40, 80, 160]) / 255
    assert (given.crop.image[:, inside].T - colours).abs().max() < 0.02
    assert not given.crop.image[:, given.crop.mask == 0].any()


def test_the_true_mask_asks_no_detector() -> None:
    def detect(frame: Frame) -> list[PersonDetection]:
        raise AssertionError("asked")

    give_input(box_person(), "true", detect, CROP_PX)


def test_a_photo_without_a_person_is_refused() -> None:
    truth = box_person()
    empty = replace(truth, mask=np.zeros_like(truth.mask))
    with pytest.raises(NoPersonError, match="true mask of box is empty"):
        give_input(empty, "true", lambda frame: [], CROP_PX)
