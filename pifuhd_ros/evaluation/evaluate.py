"""Systems over people: what each makes of the same crop, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pifuhd_ros.evaluation.failure import Failure
from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.held_out import PersonInLights
from pifuhd_ros.evaluation.inputs import GivenInput, InputRecord
from pifuhd_ros.evaluation.light_scores import LightScores, score_lights
from pifuhd_ros.evaluation.photo_space import (
    albedo_in_photo,
    photo_from_crop_axes,
    prediction_in_photo,
)
from pifuhd_ros.evaluation.scores import (
    SOLID_SAMPLES,
    SURFACE_SAMPLES,
    PersonScores,
    score_person,
)
from pifuhd_ros.evaluation.solid import require_solid
from pifuhd_ros.evaluation.systems import Prediction, System
from pifuhd_ros.types import SurfaceError


@dataclass(frozen=True)
class Case:
    """What one system made of one person."""

    truth: GroundTruth
    given: GivenInput
    prediction: Prediction
    """As the system made it, in the crop's model space and pixels."""
    scores: PersonScores


@dataclass(frozen=True)
class PersonOutcome:
    """How all systems did on one person; small, so that it can pass between processes."""

    given: InputRecord
    results: tuple[PersonScores | Failure, ...]
    """One for each system, in their order."""


@dataclass(frozen=True)
class SystemScores:
    """How one system did on all people."""

    system: str
    people: tuple[PersonScores, ...]
    """Those for whom there is a shape, in the order of the people."""
    failures: tuple[Failure, ...] = field(default=())
    """The others; they are in no mean, so a table must name their number."""


def measure_system(
    system: System,
    truth: GroundTruth,
    given: GivenInput,
    *,
    surface_samples: int = SURFACE_SAMPLES,
    solid_samples: int = SOLID_SAMPLES,
    seed: int = 0,
) -> Case | Failure:
    """Let a system reconstruct a person, and measure that.

    Args:
        system: sees the crop and nothing else.
        truth: of the person.
        given: the crop, from the truth's photo.
        surface_samples: points on the predicted surface.
        solid_samples: points in the box around both solids.
        seed: of the samples.
    """
    try:
        prediction = system.predict(given.crop, truth.photo.camera)
        require_solid(prediction.mesh)
        scores = score_person(
            truth,
            prediction_in_photo(prediction, given.crop, truth),
            surface_samples=surface_samples,
            solid_samples=solid_samples,
            seed=seed,
        )
    except SurfaceError as error:
        return Failure(truth.name, str(error))
    return Case(truth, given, prediction, scores)


def measure_lights(
    system: System, person: PersonInLights, give: Callable[[GroundTruth], GivenInput]
) -> LightScores | Failure:
    """Let a system reconstruct a person in several lights, and measure what changes.

    Args:
        system: that knows an albedo and the light.
        person: whom.
        give: what the system is given of a photo.
    """
    truth = person.truth
    if truth.albedo is None:
        raise ValueError(f"of {truth.name} no albedo is known")
    albedos, found = [], []
    try:
        for photo in person.photos:
            crop = give(replace(truth, photo=photo)).crop
            prediction = system.predict(crop, photo.camera)
            if prediction.albedo is None or prediction.light is None:
                raise ValueError(f"{system.name} knows no albedo or no light")
            albedos.append(albedo_in_photo(prediction.albedo, crop, truth.mask.shape))
            found.append(photo_from_crop_axes(crop, truth) @ prediction.light)
        return score_lights(
            truth.name, truth.albedo, person.photos, albedos, np.stack(found), person.directions
        )
    except SurfaceError as error:
        return Failure(truth.name, str(error))


def gather_scores(
    systems: Sequence[str], outcomes: Iterable[PersonOutcome]
) -> tuple[SystemScores, ...]:
    """The outcomes of all people, system by system.

    Args:
        systems: their names, in the order of each outcome's results.
        outcomes: of the people, in order.
    """
    scores: list[list[PersonScores]] = [[] for _ in systems]
    failures: list[list[Failure]] = [[] for _ in systems]
    for outcome in outcomes:
        for i, result in enumerate(outcome.results):
            if isinstance(result, Failure):
                failures[i].append(result)
            else:
                scores[i].append(result)
    return tuple(
        SystemScores(name, tuple(scores[i]), tuple(failures[i])) for i, name in enumerate(systems)
    )
