"""The same person in several lights: does the albedo stay, is the light found?"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps
from pifuhd_ros.evaluation.color_scores import photo_colors
from pifuhd_ros.evaluation.failure import Failure
from pifuhd_ros.types import Frame, SurfaceError


@dataclass(frozen=True)
class LightScores:
    """What several lights made of one person."""

    person: str
    photo_spread: float
    """Standard deviation over the photos, mean over the person's pixels and channels."""
    albedo_spread: float
    """The same of the albedo, in the same pixels."""
    albedo_spread_back: float
    """The same of the albedo behind the person, which no photo shows."""
    errors_deg: tuple[float, ...]
    """For each light, the angle between the found and the true main direction."""

    @property
    def spread_ratio(self) -> float:
        """The albedo's spread over the photos'."""
        return self.albedo_spread / self.photo_spread

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> LightScores:
        """What ``dataclasses.asdict`` made, back."""
        return LightScores(**{**data, "errors_deg": tuple(data["errors_deg"])})


def score_lights(
    person: str,
    true: AlbedoMaps,
    photos: Sequence[Frame],
    albedos: Sequence[AlbedoMaps],
    found: npt.NDArray[np.float64],
    directions: npt.NDArray[np.float64],
) -> LightScores:
    """Measure what a system made of photos of one person in one place, each in another light.

    Args:
        person: the name.
        true: the albedo, in the photos' pixels.
        photos: at least two.
        albedos: of each photo, in its pixels.
        found: (L, 3) unit vectors to where most light comes from, photo space.
        directions: (L, 3) the true ones.

    Raises:
        SurfaceError: no pixel of the person is covered in all lights.
    """
    both = true.whole & np.logical_and.reduce([one.whole for one in albedos])
    if not both.any():
        raise SurfaceError("no pixel of the person is covered in all lights: nothing to compare")

    def spread(images: Sequence[npt.NDArray[np.float32]]) -> float:
        return float(np.stack([image[:, both] for image in images]).astype(float).std(0).mean())

    cosines = (found * directions).sum(1).clip(-1, 1)
    return LightScores(
        person=person,
        photo_spread=spread([photo_colors(photo) for photo in photos]),
        albedo_spread=spread([one.front.numpy() for one in albedos]),
        albedo_spread_back=spread([one.back.numpy() for one in albedos]),
        errors_deg=tuple(np.degrees(np.arccos(cosines)).tolist()),
    )


@dataclass(frozen=True)
class LightReport:
    """What several lights made of people."""

    lights: int
    """In which each is seen."""
    people: tuple[LightScores, ...]
    """Those for whom there is a shape in all lights."""
    failures: tuple[Failure, ...] = ()

    def summary(self) -> dict[str, dict[str, float]]:
        """Over people, and the directions' error over people and lights; of at least one person."""
        ratios = [person.spread_ratio for person in self.people]
        errors = [error for person in self.people for error in person.errors_deg]
        return {
            name: {
                "mean": statistics.fmean(values),
                "median": statistics.median(values),
                "highest": max(values),
            }
            for name, values in (("spread_ratio", ratios), ("error_deg", errors))
        }

    @staticmethod
    def of(lights: int, outcomes: Sequence[LightScores | Failure]) -> LightReport:
        """The outcomes of people, those without a shape apart."""
        return LightReport(
            lights,
            tuple(one for one in outcomes if isinstance(one, LightScores)),
            tuple(one for one in outcomes if isinstance(one, Failure)),
        )

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> LightReport:
        """What ``dataclasses.asdict`` made, back."""
        return LightReport(
            data["lights"],
            tuple(LightScores.from_json(person) for person in data["people"]),
            tuple(Failure(**failure) for failure in data["failures"]),
        )
