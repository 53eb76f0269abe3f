"""People in a frame: masks, boxes and keypoints, the most prominent person first."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pifuhd_ros.geometry.crop_transforms import box_of_mask
from pifuhd_ros.stages.blazepose import BlazePose, Pose
from pifuhd_ros.stages.face_mesh import FaceFinder
from pifuhd_ros.stages.person_mask import is_cut_off, keep_person, with_alpha, with_crisp_edge
from pifuhd_ros.types import Frame, PersonDetection

NEUTRAL_GRAY = 128
"""Stands in for transparent background and for people already found."""


@dataclass(frozen=True)
class DetectionConfig:
    """How people are looked for."""

    max_people: int = 4
    """At most so many are returned."""
    min_confidence: float = 0.5
    """Of mediapipe's person detector, in [0, 1]."""
    second_confidence: float = 0.15
    """The same for a second look, where the first finds nobody: in the dark, in coloured light,
    from behind or under a hood. Who is found by it must reach ``min_score_of_more``, which no blob
    of 200 rooms without people did (most: 0.42). For everyone it would not do: it frames people
    less well. 1: there is no second look."""
    max_side_px: int = 2048
    """Larger images are scaled down to this for the detection, their mask up again. The mask
    network itself sees a person at 256 pixels."""
    min_score: float = 0.4
    """The first find in the whole image must reach this. Whole people score 0.85 and more, hard
    poses and people cut off 0.5; one in a hundred images of coloured blobs gives a find at all."""
    min_score_of_more: float = 0.7
    """Further finds, and those in parts of the image, must reach this: the more is looked at,
    the more blobs are taken for people."""
    min_person_px: int = 24
    """A person whose longer side is smaller is no use and not returned."""
    faces: bool = True
    """Whether the face of each person returned is looked for as well."""


class PoseFinder(Protocol):
    """Finds the most salient person of an RGB image (H, W, 3), or None."""

    def find(self, rgb: npt.NDArray[np.uint8]) -> Pose | None:
        """The pose in the pixels of this image."""


class PersonDetector:
    """Finds people, keeping mediapipe's graph for the next frame.

    May be used from several threads; the calls into mediapipe wait for one another. The same
    frame always gives the same people.

    >>> with PersonDetector() as detector:
    ...     people = detector.detect(frame)
    """

    def __init__(self, config: DetectionConfig | None = None) -> None:
        """Load the detector; takes about a second."""
        self.config = config or DetectionConfig()
        self._pose = BlazePose(self.config.min_confidence)
        self._second = _SecondLook(self.config.second_confidence)
        self._face = FaceFinder() if self.config.faces else None

    def detect(self, frame: Frame) -> list[PersonDetection]:
        """See ``detect_people``."""
        people = find_people(self._pose, frame, self.config, self._second)
        if self._face is None:
            return people
        rgb = _over_gray(frame)
        return [replace(p, face_px=self._face.find(rgb, p.keypoints_px)) for p in people]

    def close(self) -> None:
        """Free mediapipe's graphs."""
        self._pose.close()
        self._second.close()
        if self._face is not None:
            self._face.close()

    def __enter__(self) -> PersonDetector:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def detect_people(frame: Frame, config: DetectionConfig | None = None) -> list[PersonDetection]:
    """The people in a frame, the most prominent (largest mask) first; empty where none is found.

    Loads mediapipe for this one call: keep a ``PersonDetector`` for more than one frame.

    Args:
        frame: any size. Transparent background counts as gray, and the opacity limits the mask,
            or is the mask where it is a cut-out of the one person found.
        config: how to look for them.
    """
    with PersonDetector(config) as detector:
        return detector.detect(frame)


class _SecondLook:
    """A BlazePose that is less strict, loaded when it is first needed: for most frames never."""

    def __init__(self, confidence: float) -> None:
        self._confidence = confidence
        self._lock = threading.Lock()
        self._pose: BlazePose | None = None

    def find(self, rgb: npt.NDArray[np.uint8]) -> Pose | None:
        """See ``PoseFinder``."""
        if self._confidence >= 1:
            return None
        with self._lock:
            if self._pose is None:
                self._pose = BlazePose(self._confidence)
        return self._pose.find(rgb)

    def close(self) -> None:
        if self._pose is not None:
            self._pose.close()


def find_people(
    finder: PoseFinder,
    frame: Frame,
    config: DetectionConfig,
    second: PoseFinder | None = None,
) -> list[PersonDetection]:
    """The search of ``detect_people`` around any finder of one person an image.

    The finder sees the whole image first. Whoever is found is painted over and the finder asked
    again, until it finds no one new. Where it finds no one in the whole image, the second finder,
    if there is one, looks at that too. Where neither does, overlapping windows of half its shorter
    side are searched in the same way, for the finder looks at 224 pixels only and a person of less
    than half the image's height escapes it; so people down to a fifth of the height are found.
    """
    import cv2

    height, width = frame.rgb.shape[:2]
    scale = min(1.0, config.max_side_px / max(height, width))
    small_size = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas: npt.NDArray[Any] = cv2.resize(
        _over_gray(frame), small_size, interpolation=cv2.INTER_AREA
    )
    whole = _Window(0, 0, *small_size)
    poses = _search(finder, canvas, [whole], config, scale)
    if not poses and second is not None:
        stricter = replace(config, min_score=config.min_score_of_more)
        poses = _search(second, canvas, [whole], stricter, scale)
    if not poses:
        poses = _search(finder, canvas, _half_windows(whole), config, scale)
    people = []
    for pose in poses:
        mask: npt.NDArray[Any] = pose.mask
        if small_size != (width, height):
            mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
        mask = with_crisp_edge(mask)
        if frame.alpha is not None:
            mask = with_alpha(mask, frame.alpha)
        box = box_of_mask(mask)
        if box is None:
            continue
        keypoints_px = pose.keypoints_px.copy()
        frame_from_canvas = np.array([width / small_size[0], height / small_size[1]])
        keypoints_px[:, :2] = (keypoints_px[:, :2] + 0.5) * frame_from_canvas - 0.5
        people.append(
            PersonDetection(
                box_xyxy_px=box,
                mask=mask,
                keypoints_px=keypoints_px,
                score=score(pose),
                is_cut_off=is_cut_off(mask, keypoints_px),
                keypoints_world_m=pose.keypoints_world_m,
            )
        )
    return sorted(people, key=lambda person: float(person.mask.sum()), reverse=True)


@dataclass(frozen=True)
class _Window:
    """A part of an image, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def _half_windows(whole: _Window) -> list[_Window]:
    """Overlapping squares of half the shorter side that cover an image."""
    side = max(1, min(whole.right, whole.bottom) // 2)
    return [
        _Window(left, top, min(left + side, whole.right), min(top + side, whole.bottom))
        for top in _starts(whole.bottom, side)
        for left in _starts(whole.right, side)
    ]


def _starts(length: int, side: int) -> list[int]:
    """Where windows of one side start along one axis so that they overlap by half or more."""
    if length <= side:
        return [0]
    steps = -(-2 * (length - side) // side)
    return [round(i * (length - side) / steps) for i in range(steps + 1)]


def _search(
    finder: PoseFinder,
    canvas: npt.NDArray[np.uint8],
    windows: list[_Window],
    config: DetectionConfig,
    scale: float,
) -> list[Pose]:
    """The people seen in the windows, one after another, in the canvas's pixels.

    Args:
        finder: asked for one person at a time.
        canvas: (H, W, 3).
        windows: parts of the canvas.
        config: how to look.
        scale: canvas pixels per pixel of the frame.
    """
    poses: list[Pose] = []
    for window in windows:
        while len(poses) < config.max_people:
            pose = _find_new(finder, canvas, window, config, is_first=not poses)
            if pose is None:
                break
            taken = np.zeros(canvas.shape[:2], bool)
            for other in poses:
                taken |= other.mask > 0.5
            mask = np.where(taken, np.float32(0), pose.mask)
            box = box_of_mask(mask)
            is_new = np.count_nonzero(mask > 0.5) > 0.5 * np.count_nonzero(pose.mask > 0.5)
            if not is_new or box is None or _longer_side(box) < config.min_person_px * scale:
                break
            poses.append(Pose(mask, pose.keypoints_px, pose.keypoints_world_m))
            canvas = _paint_over(canvas, mask)
    return poses


def _find_new(
    finder: PoseFinder,
    canvas: npt.NDArray[np.uint8],
    window: _Window,
    config: DetectionConfig,
    *,
    is_first: bool,
) -> Pose | None:
    """The most salient person in a window, in the canvas's pixels, if it surely is one."""
    height, width = canvas.shape[:2]
    pose = _find_in(finder, canvas, window)
    box = None if pose is None else box_of_mask(pose.mask)
    min_score = config.min_score if is_first else config.min_score_of_more
    if box is not None and window != _Window(0, 0, width, height):
        # The window may cut the person it shows: look again with the person in the middle.
        cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        reach = _longer_side(box)
        around = _Window(
            max(0, round(cx - reach)),
            max(0, round(cy - reach)),
            min(width, round(cx + reach)),
            min(height, round(cy + reach)),
        )
        pose = _find_in(finder, canvas, around)
        min_score = config.min_score_of_more
    if pose is None or score(pose) < min_score:
        return None
    return Pose(
        keep_person(pose.mask, pose.keypoints_px), pose.keypoints_px, pose.keypoints_world_m
    )


def score(pose: Pose) -> float:
    """How surely a pose is a person, in [0, 1]; mediapipe keeps its own confidence to itself.

    The product of the mean visibility of the keypoints within the image, the share of the
    visible ones that lie on the mask, and the clearness of the mask (1 where it is black and
    white, 0 where it is all gray).
    """
    height, width = pose.mask.shape
    x, y, visibility = pose.keypoints_px.T
    in_image = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    visible = in_image & (visibility > 0.5)
    seen = pose.mask[pose.mask > 0.1]
    if not visible.any() or seen.size == 0:
        return 0.0
    on_mask = pose.mask[np.rint(y[visible]).astype(int), np.rint(x[visible]).astype(int)] > 0.5
    return float(visibility[in_image].mean() * on_mask.mean() * np.abs(2 * seen - 1).mean())


def _longer_side(box_xyxy: npt.NDArray[np.float64]) -> float:
    return float(max(box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1]))


def _find_in(finder: PoseFinder, canvas: npt.NDArray[np.uint8], window: _Window) -> Pose | None:
    pose = finder.find(canvas[window.top : window.bottom, window.left : window.right])
    if pose is None:
        return None
    mask = np.zeros(canvas.shape[:2], np.float32)
    mask[window.top : window.bottom, window.left : window.right] = pose.mask
    offset = np.array([window.left, window.top, 0.0])
    return Pose(mask, pose.keypoints_px + offset, pose.keypoints_world_m)


def _over_gray(frame: Frame) -> npt.NDArray[np.uint8]:
    if frame.alpha is None:
        return frame.rgb
    opacity = frame.alpha.astype(np.float32)[..., None] / 255
    composite = np.rint(frame.rgb * opacity + NEUTRAL_GRAY * (1 - opacity))
    return np.asarray(composite, dtype=np.uint8)


def _paint_over(
    canvas: npt.NDArray[np.uint8], mask: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    """The canvas with a person, and a rim of 1 % of the image around them, turned gray."""
    import cv2

    rim_px = max(3, round(0.01 * max(canvas.shape)))
    person = cv2.dilate((mask > 0.3).astype(np.uint8), np.ones((2 * rim_px + 1,) * 2, np.uint8))
    return np.where(person[..., None] > 0, np.uint8(NEUTRAL_GRAY), canvas)
