"""Systems over people: what each makes of the same crop, measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.inputs import GivenInput, InputRecord
from pifuhd_ros.evaluation.photo_space import prediction_in_photo
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
class Failure:
    """A person for whom a system made no usable shape."""

    person: str
    message: str


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
        prediction = system.predict(given.crop)
        require_solid(prediction.mesh)
    except SurfaceError as error:
        return Failure(truth.name, str(error))
    scores = score_person(
        truth,
        prediction_in_photo(prediction, given.crop, truth),
        surface_samples=surface_samples,
        solid_samples=solid_samples,
        seed=seed,
    )
    return Case(truth, given, prediction, scores)


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
