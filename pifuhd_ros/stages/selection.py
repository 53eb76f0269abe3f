"""The best frame of a time window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pifuhd_ros.stages.body_pose import facing
from pifuhd_ros.stages.detection import DetectionConfig, PersonDetector
from pifuhd_ros.types import Frame, ImageError, PersonDetection

_PERSON_HEIGHT_PX = 256
_BLACK, _WHITE = 5, 250
_CUT_OFF_WORTH = 0.3
_TURNED_AWAY_WORTH = 0.5


@dataclass(frozen=True)
class FrameQuality:
    """How well a frame shows a person; each in [0, 1] but sharpness, which has no upper bound."""

    sharpness: float
    """Standard deviation of the Laplacian inside the person, shown 256 px tall."""
    wholeness: float
    """1 where no part of the person lies outside the frame."""
    facing: float
    """1 where the chest faces the camera, 0 from behind."""
    exposure: float
    """Share of the person's pixels that are neither black nor white."""
    confidence: float
    """The detection's score."""

    @property
    def total(self) -> float:
        """The product: to be compared among frames of one scene, no absolute measure."""
        turned = _TURNED_AWAY_WORTH + (1 - _TURNED_AWAY_WORTH) * self.facing
        return self.sharpness * self.wholeness * turned * self.exposure * self.confidence


def frame_quality(frame: Frame, detection: PersonDetection) -> FrameQuality:
    """How well a frame shows a person.

    Args:
        frame: any size.
        detection: the person in it.
    """
    import cv2

    left, top, right, bottom = np.rint(detection.box_xyxy_px + 0.5).astype(int)
    rows, columns = slice(max(top, 0), bottom), slice(max(left, 0), right)
    gray = cv2.cvtColor(frame.rgb[rows, columns], cv2.COLOR_RGB2GRAY)
    scale = _PERSON_HEIGHT_PX / max(gray.shape)
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    shrinks = scale < 1
    gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    mask = cv2.resize(detection.mask[rows, columns], size, interpolation=cv2.INTER_LINEAR)
    # The outline is sharp in the mask, whatever the image: look at the inside only.
    inside = cv2.erode((mask > 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    laplacian = cv2.Laplacian(gray, cv2.CV_32F)
    pixels = gray[inside]
    well_exposed = (pixels > _BLACK) & (pixels < _WHITE)
    return FrameQuality(
        sharpness=float(laplacian[inside].std()) if pixels.size else 0.0,
        wholeness=_CUT_OFF_WORTH if detection.is_cut_off else 1.0,
        facing=facing(detection),
        exposure=float(well_exposed.mean()) if pixels.size else 0.0,
        confidence=detection.score,
    )


def select_frame(
    frames: Sequence[Frame], detect: Callable[[Frame], list[PersonDetection]] | None = None
) -> Frame:
    """The frame that shows its most prominent person best: sharp, whole, facing us, well exposed.

    Args:
        frames: of one scene, the oldest first.
        detect: finds the people in a frame, such as a reconstructor's ``detect``; None loads a
            detector for this call. A single frame is returned without a look.

    Returns:
        The best frame; of equally good ones, or where no frame has a person, the newest.

    Raises:
        ImageError: there are no frames.
    """
    if not frames:
        raise ImageError("no frame to select from: no image arrived in the time window")
    if len(frames) == 1:
        return frames[0]
    if detect is None:
        with PersonDetector(DetectionConfig(faces=False)) as detector:
            return select_frame(frames, detector.detect)
    best, best_total = frames[-1], 0.0
    for frame in frames:
        people = detect(frame)
        total = frame_quality(frame, people[0]).total if people else 0.0
        if people and total >= best_total:
            best, best_total = frame, total
    return best
