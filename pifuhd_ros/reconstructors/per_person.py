"""What systems share that reconstruct each person of a frame from a crop of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from pifuhd_ros.reconstructors.base import ReconstructionSettings
from pifuhd_ros.reconstructors.devices import memory_errors_explained, resolve_device
from pifuhd_ros.reconstructors.host_memory import keep_freed_memory, return_freed_memory
from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.reconstructors.work_plan import WorkPlan
from pifuhd_ros.stages.detection import PersonDetector
from pifuhd_ros.stages.placement import (
    DEFAULT_STATURE_M,
    DEFAULT_VERTICAL_FOV_DEG,
    place_in_camera,
)
from pifuhd_ros.stages.surface import coarse_resolution_of
from pifuhd_ros.types import (
    Frame,
    Mesh,
    NoPersonError,
    NormalMaps,
    OnProgress,
    PersonCrop,
    PersonDetection,
    Reconstruction,
)

FEW_PIXELS = 0.25
"""A person who is smaller than this share of the network's crop is shown too coarsely."""
ENCODING = 0.3
"""About the image networks' share of the work."""


@dataclass(frozen=True, kw_only=True)
class EncodedPerson:
    """A person of a frame, as the image networks see them."""

    frame: Frame
    person: PersonDetection
    crop: PersonCrop
    plan: WorkPlan
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each stage so far, in the order they ran."""
    notices: tuple[str, ...] = ()
    """What is known so far to be degraded."""


Encoded = TypeVar("Encoded", bound=EncodedPerson)
_Reconstructor = TypeVar("_Reconstructor", bound="PerPersonReconstructor[Any]")


def _prepare_device(device: str | torch.device, threads: int | None) -> torch.device:
    """The device of a name, with the process set up for it.

    Raises:
        DeviceError: there is no such device here.
    """
    target = resolve_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    if target.type == "cpu":
        keep_freed_memory()
    return target


def _choose_color(color: str, colors: tuple[str, ...]) -> str:
    """What the vertices' colours show, of what a system offers.

    Raises:
        ValueError: the system does not offer it.
    """
    if color == "auto":
        return colors[0]
    if color not in colors:
        raise ValueError(f"color is auto or one of {', '.join(colors)}, not {color!r}")
    return color


class PerPersonReconstructor(ABC, Generic[Encoded]):
    """Detection, the loop over people, placement and what to say of the result.

    A system adds what happens to one person: ``_encode`` and ``_extract``.
    """

    name: str
    colors: tuple[str, ...]

    def __init__(
        self, detector: PersonDetector, settings: ReconstructionSettings, device: torch.device
    ) -> None:
        """Take over what is loaded.

        Args:
            detector: finds the people.
            settings: what the user chose.
            device: which does the work.
        """
        self.detector = detector
        self.settings = settings
        self.device = device

    @classmethod
    def from_pretrained(
        cls: type[_Reconstructor],
        weights: str | Path | None = None,
        device: str | torch.device = "auto",
        *,
        resolution: int = 256,
        max_people: int = 1,
        stature_m: float = DEFAULT_STATURE_M,
        vertical_fov_deg: float = DEFAULT_VERTICAL_FOV_DEG,
        clean: bool = True,
        precision: str = "auto",
        lowest_resolution: int = 64,
        color: str = "auto",
        albedo_weights: str | Path | None = None,
        face_relief: bool = True,
        threads: int | None = None,
    ) -> _Reconstructor:
        """See ``Reconstructor.from_pretrained``."""
        settings = ReconstructionSettings(
            resolution=resolution,
            max_people=max_people,
            stature_m=stature_m,
            vertical_fov_deg=vertical_fov_deg,
            clean=clean,
            precision=precision,
            lowest_resolution=lowest_resolution,
            color=_choose_color(color, cls.colors),
            albedo_weights=albedo_weights,
            face_relief=face_relief,
        )
        coarse_resolution_of(resolution)
        target = _prepare_device(device, threads)
        with memory_errors_explained(target):
            return cls._load(weights, target, settings)

    @classmethod
    @abstractmethod
    def _load(
        cls: type[_Reconstructor],
        weights: str | Path | None,
        device: torch.device,
        settings: ReconstructionSettings,
    ) -> _Reconstructor:
        """The system with the network of a weights file, None for the shipped one."""

    def detect(self, frame: Frame) -> list[PersonDetection]:
        """See ``Reconstructor.detect``."""
        return self.detector.detect(frame)

    def infer(self, frame: Frame, on_progress: OnProgress | None = None) -> list[Reconstruction]:
        """See ``Reconstructor.infer``; the time of detection stands with the first person."""
        watch = StageWatch(self.device, on_progress)
        watch("detect", 0.0)
        people = self.detect(frame)
        chosen, notices = self._choose(frame, people)
        results = []
        for number, person in enumerate(chosen):
            start, end = (0.05 + 0.95 * done / len(chosen) for done in (number, number + 1))
            middle = start + ENCODING * (end - start)
            encoded = self._encode(frame, person, watch.part(start, middle))
            result = self._extract(encoded, watch.part(middle, end))
            result = replace(result, notices=(*notices, *result.notices))
            results.append(replace(result, timings_s=watch.take_timings_s()))
            notices = ()
        return results

    def encode(
        self,
        frame: Frame,
        people: Sequence[PersonDetection],
        on_progress: OnProgress | None = None,
    ) -> list[Encoded]:
        """See ``Reconstructor.encode``."""
        watch = StageWatch(self.device, on_progress)
        chosen, notices = self._choose(frame, people)
        results = []
        for number, person in enumerate(chosen):
            report = watch.part(number / len(chosen), (number + 1) / len(chosen))
            encoded = self._encode(frame, person, report)
            timings_s = watch.take_timings_s()
            results.append(replace(encoded, notices=notices, timings_s=timings_s))
            notices = ()
        return results

    def extract(
        self, encoded: Sequence[Encoded], on_progress: OnProgress | None = None
    ) -> list[Reconstruction]:
        """See ``Reconstructor.extract``."""
        watch = StageWatch(self.device, on_progress)
        results = []
        for number, one in enumerate(encoded):
            report = watch.part(number / len(encoded), (number + 1) / len(encoded))
            result = self._extract(one, report)
            timings_s = {**one.timings_s, **watch.take_timings_s()}
            notices = (*one.notices, *result.notices)
            results.append(replace(result, notices=notices, timings_s=timings_s))
        return results

    def close(self) -> None:
        """Free the detector; the network goes with the last reference to it."""
        self.detector.close()
        if self.device.type == "cpu":
            return_freed_memory()

    def _choose(
        self, frame: Frame, people: Sequence[PersonDetection]
    ) -> tuple[Sequence[PersonDetection], tuple[str, ...]]:
        """The people to reconstruct, and what the first of them has to say of the others."""
        if not people:
            height, width = frame.rgb.shape[:2]
            raise NoPersonError(
                f"no person was found in the image ({width} x {height} pixels): one must be in "
                "view, well lit, and fill at least a sixth of the image's height"
            )
        chosen = people[: self.settings.max_people]
        return chosen, (_others(people, chosen),) if len(people) > len(chosen) else ()

    @abstractmethod
    def _encode(self, frame: Frame, person: PersonDetection, report: OnProgress) -> Encoded:
        """Crop a person and run the image networks; begins with the stage "crop"."""

    @abstractmethod
    def _extract(self, encoded: Encoded, report: OnProgress) -> Reconstruction:
        """Find, colour and place the person's surface; ends with ``_placed``."""

    def _placed(
        self,
        mesh: Mesh,
        encoded: EncodedPerson,
        crop_size: int,
        report: OnProgress,
        normals: NormalMaps | None = None,
    ) -> Reconstruction:
        """The result of a mesh in model space; ``crop_size`` is the network's, in pixels."""
        frame, person = encoded.frame, encoded.person
        report("place", 0.98)
        placement = place_in_camera(
            mesh,
            encoded.crop,
            frame,
            person,
            stature_m=self.settings.stature_m,
            vertical_fov_deg=self.settings.vertical_fov_deg,
        )
        report("place", 1.0)
        quality = _quality_notices(person, crop_size)
        return Reconstruction(
            mesh=placement.mesh,
            detection=person,
            timings_s={},
            scale_source=placement.scale_source,
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            notices=(*quality, *encoded.plan.notices, *placement.notices),
            normals=normals,
        )


def _quality_notices(person: PersonDetection, size: int) -> list[str]:
    notices = []
    if person.is_cut_off:
        notices.append(
            "A part of the person lies outside the image; only what is in it was reconstructed."
        )
    left, top, right, bottom = person.box_xyxy_px
    longer_side_px = max(right - left, bottom - top)
    if longer_side_px < FEW_PIXELS * size:
        notices.append(
            f"The person is only {longer_side_px:.0f} pixels large; the mesh has little detail."
        )
    return notices


def _others(people: Sequence[PersonDetection], chosen: Sequence[PersonDetection]) -> str:
    return (
        f"{len(people)} people were found; the {len(chosen)} most prominent "
        f"{'is' if len(chosen) == 1 else 'are'} reconstructed (max_people)."
    )
