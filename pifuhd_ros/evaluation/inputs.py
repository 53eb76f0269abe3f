"""What the systems are given of a photo: the crop that the detector leads to, or the true one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.geometry.crop_transforms import box_of_mask
from pifuhd_ros.stages.cropping import Framing, crop_person
from pifuhd_ros.types import Frame, NoPersonError, PersonCrop, PersonDetection

InputKind = Literal["detected", "true"]
"""``detected``: box and mask as the detector finds them; ``true``: those of the true silhouette."""

Detect = Callable[[Frame], list[PersonDetection]]


@dataclass(frozen=True)
class InputRecord:
    """How a person's input came about."""

    person: str
    detected: bool
    """False where the true mask took the detector's place."""
    mask_iou: float
    """Intersection over union of the mask given and the true one; 1 for the true mask."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of detection and cropping; empty where nothing was detected."""


@dataclass(frozen=True)
class GivenInput:
    """The crop that every system gets of a person."""

    crop: PersonCrop
    record: InputRecord


def give_input(
    truth: GroundTruth, kind: InputKind, detect: Detect, size_px: int, framing: Framing = "mask"
) -> GivenInput:
    """Crop the person in a photo, as a reconstructor does or by the true mask.

    Where the detector finds nobody, the person is cropped by the true mask and the record says so:
    the shape is measured all the same, and the miss is counted.

    Args:
        truth: whose photo is cropped.
        kind: whose mask counts.
        detect: the people in a frame, the most prominent first.
        size_px: side of the crop.
        framing: see ``crop_person``; a crop by the true mask has no keypoints to lie around.

    Raises:
        NoPersonError: the true mask is empty.
    """
    if kind == "detected":
        started = time.perf_counter()
        people = detect(truth.photo)
        found = time.perf_counter()
        if people:
            crop = crop_person(truth.photo, people[0], size_px, framing)
            timings_s = {"detect": found - started, "crop": time.perf_counter() - found}
            overlap = _mask_iou(people[0].mask, truth.mask)
            return GivenInput(crop, InputRecord(truth.name, True, overlap, timings_s))
    crop = crop_person(truth.photo, _true_detection(truth), size_px, "mask")
    return GivenInput(crop, InputRecord(truth.name, False, 1.0))


def _true_detection(truth: GroundTruth) -> PersonDetection:
    box = box_of_mask(truth.mask)
    if box is None:
        raise NoPersonError(f"the true mask of {truth.name} is empty: no one is in the photo")
    return PersonDetection(
        box_xyxy_px=box, mask=truth.mask, keypoints_px=np.zeros((33, 3)), score=1.0
    )


def _mask_iou(given: npt.NDArray[np.float32], true: npt.NDArray[np.float32]) -> float:
    first, second = given > 0.5, true > 0.5
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0
