"""One person of whom everything is known, however that person was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pifuhd_ros.evaluation.samples import SurfaceSamples
from pifuhd_ros.types import NormalMaps, PersonCrop

STATURE_M = 1.8
"""Every person is measured as if so tall, so that figures of people compare."""

Occupancy = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.bool_]]
"""(N, 3) points in model space -> (N,) True inside the person."""


@dataclass(frozen=True)
class GroundTruth:
    """A picture of a person and the true shape behind it, in the model space of the picture."""

    name: str
    """What tells this person from the others, the same on every machine."""
    crop: PersonCrop
    """What the systems see."""
    normals: NormalMaps
    """True normals, in the pixels of the crop."""
    surface: SurfaceSamples
    """Samples of the true outer surface, model space."""
    occupancy: Occupancy
    """The true closed solid, model space."""
    metres_per_unit: float
    """Size of the model space's unit, for a person of STATURE_M standing upright."""

    @property
    def silhouette(self) -> npt.NDArray[np.bool_]:
        """(S, S) the pixels in which both true normal maps hold a normal."""
        front = self.normals.front.abs().sum(dim=0) > 0
        back = self.normals.back.abs().sum(dim=0) > 0
        both: npt.NDArray[np.bool_] = (front & back).cpu().numpy()
        return both
