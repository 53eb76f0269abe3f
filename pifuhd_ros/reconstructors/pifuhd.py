"""PIFuHD: one image to a detailed mesh, coarse to fine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from pifuhd_ros.fields.engine import prepare_engine
from pifuhd_ros.fields.pifuhd import PifuhdField, encode_pifuhd
from pifuhd_ros.networks.pifuhd import PUBLISHED, PifuhdNetwork
from pifuhd_ros.networks.weights import load_network
from pifuhd_ros.reconstructors.albedo_colors import (
    AlbedoColors,
    ColoredView,
)
from pifuhd_ros.reconstructors.base import ReconstructionSettings
from pifuhd_ros.reconstructors.devices import memory_errors_explained
from pifuhd_ros.reconstructors.memory_need import estimate_memory
from pifuhd_ros.reconstructors.per_person import (
    ENCODING,
    EncodedPerson,
    PerPersonReconstructor,
)
from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.reconstructors.viewpoint import camera_of, crop_inverse_distance
from pifuhd_ros.reconstructors.work_plan import WorkPlan, free_memory, plan_work
from pifuhd_ros.stages.bridges import extract_body
from pifuhd_ros.stages.cleanup import clean_mesh
from pifuhd_ros.stages.cropping import crop_person
from pifuhd_ros.stages.detection import DetectionConfig, PersonDetector
from pifuhd_ros.stages.face_relief import sculpt_face
from pifuhd_ros.stages.surface import MIN_RESOLUTION
from pifuhd_ros.stages.texture import texture_mesh
from pifuhd_ros.types import (
    Frame,
    Mesh,
    NormalMaps,
    OnProgress,
    PersonCrop,
    PersonDetection,
    Reconstruction,
)


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


@dataclass(frozen=True, kw_only=True)
class PifuhdEncoded(EncodedPerson):
    """What extraction takes."""

    normals: NormalMaps
    occupancy: PifuhdField
    hidden: ColoredView | None
    """For the colours of what the camera did not see; None: they are guessed."""


class PifuhdReconstructor(PerPersonReconstructor[PifuhdEncoded]):
    """Reconstructs people with normal maps and two levels of pixel-aligned occupancy.

    >>> model = PifuhdReconstructor.from_pretrained(device="cuda")
    >>> people = model.infer(read_frame("photo.jpg"))

    Source: Saito et al., PIFuHD: Multi-Level Pixel-Aligned Implicit Function for High-Resolution
    3D Human Digitization, CVPR 2020.
    """

    name = "pifuhd"
    colors: tuple[str, ...] = ("photo", "photo+albedo")

    def __init__(
        self,
        network: PifuhdNetwork,
        detector: PersonDetector,
        settings: ReconstructionSettings,
        albedo_colors: AlbedoColors | None = None,
    ) -> None:
        """Put together what is loaded already; see ``from_pretrained``.

        Args:
            network: on its device; prepared for inference in place.
            detector: finds the people.
            settings: what the user chose.
            albedo_colors: colours what the camera did not see; None: that is guessed.
        """
        super().__init__(detector, settings, next(network.parameters()).device)
        self.albedo_colors = albedo_colors
        self.network = network
        self.engine = prepare_engine(network, settings.precision)

    @classmethod
    def _load(
        cls, weights: str | Path | None, device: torch.device, settings: ReconstructionSettings
    ) -> PifuhdReconstructor:
        # The published pifuhd.pt is read as well.
        network = load_network(weights).to(device)
        albedo_colors = None
        if settings.color == "photo+albedo":
            albedo_colors = AlbedoColors.load(settings.albedo_weights, device, settings.precision)
        faces = settings.face_relief and not _is_published(network)
        detector = PersonDetector(DetectionConfig(faces=faces))
        return cls(network, detector, settings, albedo_colors)

    def reconstruct_crop(self, crop: PersonCrop, on_progress: OnProgress | None = None) -> Shape:
        """The shape of the person in a crop, in model space.

        Args:
            crop: of side ``network.config.fine_size``; what is not seen in it has guessed colours.
            on_progress: called as the work goes on.

        Raises:
            SurfaceError: the network found no usable shape.
            DeviceError: the device's memory is too small.
        """
        watch = StageWatch(self.device, on_progress)
        plan = self._plan()
        with memory_errors_explained(self.device):
            normals, occupancy = encode_pifuhd(self.engine, crop, watch.part(0.0, ENCODING))
        report = watch.part(ENCODING, 1.0)
        mesh, visited_points = self._shape(occupancy, plan, crop, None, report)
        return Shape(mesh, normals, visited_points, watch.take_timings_s(), plan.notices)

    def _encode(self, frame: Frame, person: PersonDetection, report: OnProgress) -> PifuhdEncoded:
        report("crop", 0.0)
        size = self.network.config.fine_size
        crop = crop_person(
            frame, person, size, "keypoints" if _is_published(self.network) else "mask"
        )
        plan = self._plan()
        with memory_errors_explained(self.device):
            normals, occupancy = encode_pifuhd(self.engine, crop, report)
            hidden = None
            if self.albedo_colors is not None:
                report("albedo features", 1.0)
                hidden = self._look_at(self.albedo_colors, frame, person)
        return PifuhdEncoded(
            frame=frame,
            person=person,
            crop=crop,
            plan=plan,
            normals=normals,
            occupancy=occupancy,
            hidden=hidden,
        )

    def _extract(self, encoded: PifuhdEncoded, report: OnProgress) -> Reconstruction:
        mesh, _ = self._shape(encoded.occupancy, encoded.plan, encoded.crop, encoded.hidden, report)
        return self._placed(mesh, encoded, self.network.config.fine_size, report, encoded.normals)

    def _look_at(
        self, albedo_colors: AlbedoColors, frame: Frame, person: PersonDetection
    ) -> ColoredView:
        crop = crop_person(frame, person, albedo_colors.crop_size)
        camera = camera_of(frame, self.settings.vertical_fov_deg)
        return albedo_colors.look_at(crop, crop_inverse_distance(camera, crop))

    def _plan(self) -> WorkPlan:
        """How the next person is done with the memory that is free now."""
        return plan_work(
            self.network.config,
            self.settings.resolution,
            self.settings.lowest_resolution,
            self.engine.dtype,
            self.device,
            free_memory(self.device) - self._need_of_colors(),
        )

    def _need_of_colors(self) -> int:
        """Bytes that the albedo system takes beside the shape."""
        if self.albedo_colors is None:
            return 0
        return estimate_memory(self.albedo_colors.network.config, MIN_RESOLUTION).work

    def _shape(
        self,
        occupancy: PifuhdField,
        plan: WorkPlan,
        crop: PersonCrop,
        hidden: ColoredView | None,
        report: OnProgress,
    ) -> tuple[Mesh, int]:
        """The coloured mesh in model space, and how many points the field was asked for."""

        def report_surface(stage: str, fraction: float) -> None:
            report(stage, 0.86 * fraction)

        with memory_errors_explained(self.device):
            surface = extract_body(
                occupancy,
                plan.resolution,
                crop.mask,
                max_points_per_query=plan.points_at_once,
                on_progress=report_surface,
            )
        report("clean", 0.86)
        mesh = surface.mesh
        if self.settings.clean:
            mesh = clean_mesh(mesh, pieces=surface.pieces)
        if crop.face is not None and self.settings.face_relief and not _is_published(self.network):
            report("face", 0.87)
            mesh = sculpt_face(mesh, crop.face)
        hidden_colors = None
        if hidden is not None:
            report("albedo", 0.88)
            with memory_errors_explained(self.device):
                hidden_colors = hidden.colors_of(mesh, crop)
        report("texture", 0.9)
        return texture_mesh(mesh, crop, hidden_colors), surface.visited_points


def _is_published(network: PifuhdNetwork) -> bool:
    """Whether the network is the one that the paper's authors trained."""
    return network.config.name == PUBLISHED.name
