"""What is compared: everything that turns the crop of a person into a shape."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pifuhd_ros.body.model import load_body
from pifuhd_ros.evaluation.baselines import fit_body, inflate_silhouette, mean_body
from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.networks.pifuhd import PUBLISHED
from pifuhd_ros.reconstructors.phorhum import PhorhumReconstructor
from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor
from pifuhd_ros.stages.cropping import Framing
from pifuhd_ros.types import Mesh, NormalMaps, PersonCrop


@dataclass(frozen=True)
class Prediction:
    """What a system makes of a crop."""

    mesh: Mesh
    """Closed, in the crop's model space."""
    normals: NormalMaps
    """In the crop's pixels."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each stage, in the order they ran."""


class System(Protocol):
    """From a crop to a shape; sees nothing else of the person."""

    @property
    def name(self) -> str:
        """What the tables call it."""

    def predict(self, crop: PersonCrop) -> Prediction:
        """The shape in the model space of the crop."""


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

    def predict(self, crop: PersonCrop) -> Prediction:
        """See ``PifuhdReconstructor.reconstruct_crop``."""
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

    def predict(self, crop: PersonCrop) -> Prediction:
        """See ``PhorhumReconstructor.reconstruct_crop``; of the camera nothing is known."""
        shape = self._model.reconstruct_crop(crop)
        normals = render_normals(shape.mesh, crop.image.shape[-1])
        return Prediction(shape.mesh, normals, shape.timings_s)


class MeanBody:
    """Baseline: the mean body in its rest pose, fitted to the silhouette's box."""

    name = "mean_body"

    def __init__(self) -> None:
        self._body = mean_body(load_body())

    def predict(self, crop: PersonCrop) -> Prediction:
        """The body, and its own normals."""
        started = time.perf_counter()
        return _drawn(fit_body(self._body, crop), crop, started)


class InflatedSilhouette:
    """Baseline: the silhouette, inflated."""

    name = "inflated_silhouette"

    def predict(self, crop: PersonCrop) -> Prediction:
        """The balloon, and its own normals."""
        started = time.perf_counter()
        return _drawn(inflate_silhouette(crop), crop, started)


def _drawn(mesh: Mesh, crop: PersonCrop, started: float) -> Prediction:
    fitted = time.perf_counter()
    normals = render_normals(mesh, crop.image.shape[-1])
    timings_s = {"fit": fitted - started, "draw": time.perf_counter() - fitted}
    return Prediction(mesh, normals, timings_s)
