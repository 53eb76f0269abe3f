"""What is compared: everything that turns the crop of a person into a shape."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.body.model import load_body
from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps, render_albedo
from pifuhd_ros.evaluation.baselines import fit_body, inflate_silhouette, mean_body
from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.fields.phorhum import PhorhumField
from pifuhd_ros.networks.pifuhd import PUBLISHED
from pifuhd_ros.networks.shading import main_light_direction
from pifuhd_ros.reconstructors.phorhum import PhorhumReconstructor
from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor
from pifuhd_ros.stages.cropping import Framing
from pifuhd_ros.types import Camera, Mesh, NormalMaps, PersonCrop

NEAR = 0.02
"""Standard deviation of how far off the surface a field is asked for its slope [model units]."""
SLOPE_SAMPLES = 10_000


@dataclass(frozen=True)
class Prediction:
    """What a system makes of a crop."""

    mesh: Mesh
    """Closed, in the crop's model space."""
    normals: NormalMaps
    """In the crop's pixels."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each stage, in the order they ran."""
    albedo: AlbedoMaps | None = None
    """In the crop's pixels; None of a system that knows none."""
    light: npt.NDArray[np.float64] | None = None
    """(3,) unit vector to where most of the photo's light comes from, model space."""
    slopes: npt.NDArray[np.float64] | None = None
    """(N,) lengths of a signed distance's gradient near its surface."""


class System(Protocol):
    """From a crop to a shape; sees nothing else of the person, and knows the photo's camera."""

    @property
    def name(self) -> str:
        """What the tables call it."""

    def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
        """The shape in the model space of the crop.

        Args:
            crop: of side ``crop_size_px``, where the system has one.
            camera: of the photo, in its pixels, where the frame carries it.
        """


class PifuhdSystem:
    """A PIFuHD reconstructor from the crop on."""

    name = "pifuhd"

    def __init__(self, model: PifuhdReconstructor) -> None:
        self._model = model

    @property
    def crop_size_px(self) -> int:
        """Side of the crops that it takes."""
        return self._model.network.config.fine_size

    @property
    def framing(self) -> Framing:
        """Where its crops lie around a person."""
        return "keypoints" if self._model.network.config.name == PUBLISHED.name else "mask"

    def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
        """See ``PifuhdReconstructor.reconstruct_crop``, which asks for no camera."""
        shape = self._model.reconstruct_crop(crop)
        return Prediction(shape.mesh, shape.normals, shape.timings_s)


class PhorhumSystem:
    """A PHORHUM reconstructor from the crop on; its normal maps are those of its mesh."""

    name = "phorhum"
    framing: Framing = "mask"

    def __init__(self, model: PhorhumReconstructor) -> None:
        self._model = model

    @property
    def crop_size_px(self) -> int:
        """Side of the crops that it takes."""
        return self._model.network.config.image_size

    def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
        """See ``PhorhumReconstructor.reconstruct_crop``."""
        shape = self._model.reconstruct_crop(crop, camera=camera)
        size = crop.image.shape[-1]
        with torch.no_grad():
            light = main_light_direction(self._model.network.shading, shape.light[None])[0]
        return Prediction(
            mesh=shape.mesh,
            normals=render_normals(shape.mesh, size),
            timings_s=shape.timings_s,
            albedo=render_albedo(shape.mesh, size),
            light=light.double().cpu().numpy(),
            slopes=_slopes(shape.field, shape.mesh),
        )


class MeanBody:
    """Baseline: the mean body in its rest pose, fitted to the silhouette's box."""

    name = "mean_body"

    def __init__(self) -> None:
        self._body = mean_body(load_body())

    def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
        """The body, and its own normals."""
        started = time.perf_counter()
        return _drawn(fit_body(self._body, crop), crop, started)


class InflatedSilhouette:
    """Baseline: the silhouette, inflated."""

    name = "inflated_silhouette"

    def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
        """The balloon, and its own normals."""
        started = time.perf_counter()
        return _drawn(inflate_silhouette(crop), crop, started)


def _drawn(mesh: Mesh, crop: PersonCrop, started: float) -> Prediction:
    fitted = time.perf_counter()
    normals = render_normals(mesh, crop.image.shape[-1])
    timings_s = {"fit": fitted - started, "draw": time.perf_counter() - fitted}
    return Prediction(mesh, normals, timings_s)


def _slopes(field: PhorhumField, mesh: Mesh) -> npt.NDArray[np.float64]:
    """The slopes of a field near its own surface."""
    on = sample_surface(mesh, SLOPE_SAMPLES, seed=0)
    off = NEAR * np.random.default_rng(1).standard_normal((SLOPE_SAMPLES, 1))
    points = torch.from_numpy((on.points + off * on.normals).astype(np.float32))
    slopes: npt.NDArray[np.float64] = field.slopes(points.to(field.device)).double().cpu().numpy()
    return slopes
