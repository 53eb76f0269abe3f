"""PHORHUM: one image to a mesh with albedo, which any light can light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.fields.phorhum import PhorhumField, encode_phorhum, prepare_phorhum
from pifuhd_ros.networks.phorhum import PhorhumNetwork
from pifuhd_ros.networks.weights import load_phorhum
from pifuhd_ros.reconstructors.albedo_colors import stored_colors
from pifuhd_ros.reconstructors.base import ReconstructionSettings
from pifuhd_ros.reconstructors.devices import memory_errors_explained
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
from pifuhd_ros.stages.texture import see_vertices
from pifuhd_ros.types import (
    Camera,
    ColorSource,
    Frame,
    Mesh,
    OnProgress,
    PersonCrop,
    PersonDetection,
    Reconstruction,
)


@dataclass(frozen=True)
class AlbedoShape:
    """What the networks make of a crop, before it has a place in the world."""

    mesh: Mesh
    """In model space, its colours the albedo; its ``other_colors`` are this in the light of the
    photo."""
    field: PhorhumField
    """That it is the zero level of."""
    visited_points: int
    """How many points the field was asked for."""
    timings_s: Mapping[str, float]
    """Seconds of each stage, in the order they ran."""
    notices: tuple[str, ...] = ()
    """What the user should know, in sentences."""

    @property
    def light(self) -> torch.Tensor:
        """(L,) the illumination code, for ``PhorhumNetwork.shade``."""
        return self.field.features.illumination[0]


@dataclass(frozen=True, kw_only=True)
class PhorhumEncoded(EncodedPerson):
    """What extraction takes."""

    distance: PhorhumField


class PhorhumReconstructor(PerPersonReconstructor[PhorhumEncoded]):
    """Reconstructs people as a signed distance with albedo, and the light that they stand in.

    >>> model = PhorhumReconstructor.from_pretrained(device="cuda", color="albedo")
    >>> people = model.infer(read_frame("photo.jpg"))

    Source: Alldieck, Zanfir and Sminchisescu, Photorealistic Monocular 3D Reconstruction of Humans
    Wearing Clothing, CVPR 2022.
    """

    name = "phorhum"
    colors: tuple[str, ...] = ("albedo", "shaded")

    def __init__(
        self,
        network: PhorhumNetwork,
        detector: PersonDetector,
        settings: ReconstructionSettings,
    ) -> None:
        """Put together what is loaded already; see ``from_pretrained``.

        Args:
            network: on its device; prepared for inference in place.
            detector: finds the people.
            settings: what the user chose.
        """
        super().__init__(detector, settings, next(network.parameters()).device)
        self.network = prepare_phorhum(network, settings.precision)

    @classmethod
    def _load(
        cls, weights: str | Path | None, device: torch.device, settings: ReconstructionSettings
    ) -> PhorhumReconstructor:
        network = load_phorhum(weights).to(device)
        detector = PersonDetector(DetectionConfig(faces=settings.face_relief))
        return cls(network, detector, settings)

    def reconstruct_crop(
        self,
        crop: PersonCrop,
        on_progress: OnProgress | None = None,
        camera: Camera | None = None,
    ) -> AlbedoShape:
        """The shape and colours of the person in a crop, in model space.

        Args:
            crop: of side ``network.config.image_size``.
            on_progress: called as the work goes on.
            camera: that took the photo of the crop; None where nothing is known of it.

        Raises:
            SurfaceError: the network found no usable shape.
            DeviceError: the device's memory is too small.
        """
        watch = StageWatch(self.device, on_progress)
        plan = self._plan()
        watch("features", 0.0)
        with memory_errors_explained(self.device):
            distance = encode_phorhum(self.network, crop, crop_inverse_distance(camera, crop))
        shape = self._shape(distance, plan, crop, watch.part(ENCODING, 1.0))
        return replace(shape, timings_s=watch.take_timings_s())

    def light_of(self, frame: Frame) -> torch.Tensor:
        """The illumination code (L,) of the light in which the most prominent person stands.

        Raises:
            NoPersonError: no one is in the frame.
        """
        person = self._choose(frame, self.detect(frame))[0][0]
        crop = crop_person(frame, person, self.network.config.image_size)
        inverse = self._inverse_distance(frame, crop)
        field = encode_phorhum(self.network, crop, inverse)
        return field.features.illumination[0]

    def shade(
        self, normals: npt.NDArray[np.float32], light: torch.Tensor
    ) -> npt.NDArray[np.float32]:
        """Shading (N, 3) of unit normals (N, 3) under a light of ``light_of``.

        Args:
            normals: x right, y up, z towards the camera.
            light: (L,).
        """
        facing = torch.from_numpy(normals).to(self.device)[None]
        with torch.no_grad():
            shading = self.network.shade(facing, light[None])[0]
        numbers: npt.NDArray[np.float32] = shading.cpu().numpy()
        return numbers

    def _encode(self, frame: Frame, person: PersonDetection, report: OnProgress) -> PhorhumEncoded:
        report("crop", 0.0)
        crop = crop_person(frame, person, self.network.config.image_size)
        plan = self._plan()
        report("features", 0.2)
        inverse = self._inverse_distance(frame, crop)
        with memory_errors_explained(self.device):
            distance = encode_phorhum(self.network, crop, inverse)
        return PhorhumEncoded(frame=frame, person=person, crop=crop, plan=plan, distance=distance)

    def _extract(self, encoded: PhorhumEncoded, report: OnProgress) -> Reconstruction:
        shape = self._shape(encoded.distance, encoded.plan, encoded.crop, report)
        mesh = shape.mesh.showing("shaded" if self.settings.color == "shaded" else "albedo")
        return self._placed(mesh, encoded, self.network.config.image_size, report)

    def _inverse_distance(self, frame: Frame, crop: PersonCrop) -> float:
        return crop_inverse_distance(camera_of(frame, self.settings.vertical_fov_deg), crop)

    def _plan(self) -> WorkPlan:
        """How the next person is done with the memory that is free now."""
        return plan_work(
            self.network.config,
            self.settings.resolution,
            self.settings.lowest_resolution,
            self.network.trunk.stem.weight.dtype,
            self.device,
            free_memory(self.device),
        )

    def _shape(
        self, distance: PhorhumField, plan: WorkPlan, crop: PersonCrop, report: OnProgress
    ) -> AlbedoShape:
        def report_surface(stage: str, fraction: float) -> None:
            report(stage, 0.8 * fraction)

        with memory_errors_explained(self.device):
            surface = extract_body(
                distance,
                plan.resolution,
                crop.mask,
                max_points_per_query=plan.points_at_once,
                on_progress=report_surface,
            )
            report("clean", 0.8)
            mesh = surface.mesh
            if self.settings.clean:
                mesh = clean_mesh(mesh, pieces=surface.pieces)
            report("colour", 0.84)
            look = distance.appearance(torch.from_numpy(mesh.vertices).to(self.device))
        # Where the gradient vanishes the surface itself says where it faces.
        turned = look.box_normals.cpu().numpy()
        normals = np.where(turned.any(axis=1, keepdims=True), turned, _normals_of(mesh))
        mesh = replace(mesh, normals=normals)
        if crop.face is not None and self.settings.face_relief:
            report("face", 0.92)
            mesh = sculpt_face(mesh, crop.face)
        return AlbedoShape(
            mesh=replace(
                mesh,
                colors=stored_colors(look.albedo),
                seen=see_vertices(mesh, crop).seen,
                shows="albedo",
                color_sources=np.full(len(normals), ColorSource.ALBEDO_SYSTEM, np.uint8),
                other_colors={"shaded": stored_colors(look.albedo * look.shading)},
            ),
            field=distance,
            visited_points=surface.visited_points,
            timings_s={},
            notices=plan.notices,
        )


def _normals_of(mesh: Mesh) -> npt.NDArray[np.float32]:
    assert mesh.normals is not None  # extract_body and clean_mesh give them.
    return mesh.normals
