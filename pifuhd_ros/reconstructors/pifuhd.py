"""PIFuHD: one image to a detailed mesh, coarse to fine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from pifuhd_ros.fields.engine import prepare_engine
from pifuhd_ros.fields.pifuhd import PifuhdField, encode_pifuhd
from pifuhd_ros.networks.pifuhd import PUBLISHED, PifuhdNetwork
from pifuhd_ros.networks.weights import load_network
from pifuhd_ros.reconstructors.base import ReconstructionSettings
from pifuhd_ros.reconstructors.devices import memory_errors_explained, resolve_device
from pifuhd_ros.reconstructors.host_memory import keep_freed_memory, return_freed_memory
from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.reconstructors.work_plan import WorkPlan, free_memory, plan_work
from pifuhd_ros.stages.cleanup import clean_mesh
from pifuhd_ros.stages.cropping import crop_person
from pifuhd_ros.stages.detection import PersonDetector
from pifuhd_ros.stages.placement import (
    DEFAULT_STATURE_M,
    DEFAULT_VERTICAL_FOV_DEG,
    place_in_camera,
)
from pifuhd_ros.stages.surface import coarse_resolution_of, extract_surface
from pifuhd_ros.stages.texture import texture_mesh
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
_ENCODING = 0.3
"""About the image networks' share of the work."""


@dataclass(frozen=True)
class Shape:
    """What the networks make of a crop, before it has a place in the world."""

    mesh: Mesh
    """In model space, coloured."""
    normals: NormalMaps
    visited_points: int
    """How many points the field was asked for."""
    timings_s: Mapping[str, float]
    """Seconds of each stage, in the order they ran."""
    notices: tuple[str, ...] = ()
    """What the user should know, in sentences."""


@dataclass(frozen=True)
class EncodedPerson:
    """A person of a frame, as the image networks see them."""

    frame: Frame
    person: PersonDetection
    crop: PersonCrop
    normals: NormalMaps
    plan: WorkPlan
    occupancy: PifuhdField
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each stage so far, in the order they ran."""
    notices: tuple[str, ...] = ()
    """What is known so far to be degraded."""


class PifuhdReconstructor:
    """Reconstructs people with normal maps and two levels of pixel-aligned occupancy.

    >>> model = PifuhdReconstructor.from_pretrained(device="cuda")
    >>> people = model.infer(read_frame("photo.jpg"))

    Source: Saito et al., PIFuHD: Multi-Level Pixel-Aligned Implicit Function for High-Resolution
    3D Human Digitization, CVPR 2020.
    """

    name = "pifuhd"

    def __init__(
        self,
        network: PifuhdNetwork,
        detector: PersonDetector,
        settings: ReconstructionSettings,
    ) -> None:
        """Put together what is loaded already; see ``from_pretrained``.

        Args:
            network: on its device; prepared for inference in place.
            detector: finds the people.
            settings: what the user chose.
        """
        self.network = network
        self.engine = prepare_engine(network, settings.precision)
        self.detector = detector
        self.settings = settings
        self.device = next(network.parameters()).device

    @classmethod
    def from_pretrained(
        cls,
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
        threads: int | None = None,
    ) -> PifuhdReconstructor:
        """See ``Reconstructor.from_pretrained``; the published ``pifuhd.pt`` is read as well."""
        settings = ReconstructionSettings(
            resolution=resolution,
            max_people=max_people,
            stature_m=stature_m,
            vertical_fov_deg=vertical_fov_deg,
            clean=clean,
            precision=precision,
            lowest_resolution=lowest_resolution,
        )
        coarse_resolution_of(resolution)
        target = resolve_device(device)
        if threads is not None:
            torch.set_num_threads(threads)
        if target.type == "cpu":
            keep_freed_memory()
        with memory_errors_explained(target):
            network = load_network(weights).to(target)
            return cls(network, PersonDetector(), settings)

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
            middle = start + _ENCODING * (end - start)
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
    ) -> list[EncodedPerson]:
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
        self, encoded: Sequence[EncodedPerson], on_progress: OnProgress | None = None
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

    def reconstruct_crop(self, crop: PersonCrop, on_progress: OnProgress | None = None) -> Shape:
        """The shape of the person in a crop, in model space.

        Args:
            crop: of side ``network.config.fine_size``.
            on_progress: called as the work goes on.

        Raises:
            SurfaceError: the network found no usable shape.
            DeviceError: the device's memory is too small.
        """
        watch = StageWatch(self.device, on_progress)
        plan = self._plan()
        with memory_errors_explained(self.device):
            normals, occupancy = encode_pifuhd(self.engine, crop, watch.part(0.0, _ENCODING))
        mesh, visited_points = self._shape(occupancy, plan, crop, watch.part(_ENCODING, 1.0))
        return Shape(mesh, normals, visited_points, watch.take_timings_s(), plan.notices)

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

    def _encode(self, frame: Frame, person: PersonDetection, report: OnProgress) -> EncodedPerson:
        report("crop", 0.0)
        size = self.network.config.fine_size
        is_published = self.network.config.name == PUBLISHED.name
        crop = crop_person(frame, person, size, "keypoints" if is_published else "mask")
        plan = self._plan()
        with memory_errors_explained(self.device):
            normals, occupancy = encode_pifuhd(self.engine, crop, report)
        return EncodedPerson(frame, person, crop, normals, plan, occupancy)

    def _extract(self, encoded: EncodedPerson, report: OnProgress) -> Reconstruction:
        frame, person, crop = encoded.frame, encoded.person, encoded.crop
        mesh, _ = self._shape(encoded.occupancy, encoded.plan, crop, report)
        report("place", 0.98)
        placement = place_in_camera(
            mesh,
            crop,
            frame,
            person,
            stature_m=self.settings.stature_m,
            vertical_fov_deg=self.settings.vertical_fov_deg,
        )
        report("place", 1.0)
        quality = _quality_notices(person, self.network.config.fine_size)
        return Reconstruction(
            mesh=placement.mesh,
            detection=person,
            timings_s={},
            scale_source=placement.scale_source,
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            notices=(*quality, *encoded.plan.notices, *placement.notices),
            normals=encoded.normals,
        )

    def _plan(self) -> WorkPlan:
        """How the next person is done with the memory that is free now."""
        return plan_work(
            self.network.config,
            self.settings.resolution,
            self.settings.lowest_resolution,
            self.engine.dtype,
            self.device,
            free_memory(self.device),
        )

    def _shape(
        self, occupancy: PifuhdField, plan: WorkPlan, crop: PersonCrop, report: OnProgress
    ) -> tuple[Mesh, int]:
        """The coloured mesh in model space, and how many points the field was asked for."""

        def report_surface(stage: str, fraction: float) -> None:
            report(stage, 0.86 * fraction)

        with memory_errors_explained(self.device):
            surface = extract_surface(
                occupancy,
                plan.resolution,
                max_points_per_query=plan.points_at_once,
                on_progress=report_surface,
            )
        report("clean", 0.86)
        mesh = clean_mesh(surface.mesh) if self.settings.clean else surface.mesh
        report("texture", 0.9)
        return texture_mesh(mesh, crop), surface.visited_points


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
