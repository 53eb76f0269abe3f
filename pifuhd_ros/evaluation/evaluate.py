"""Systems over people: predict, measure, and report beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.scores import (
    SOLID_SAMPLES,
    SURFACE_SAMPLES,
    PersonScores,
    score_person,
)
from pifuhd_ros.evaluation.solid import require_solid
from pifuhd_ros.evaluation.systems import Prediction, System
from pifuhd_ros.types import OnProgress, SurfaceError


@dataclass(frozen=True)
class Failure:
    """A person for whom a system made no usable shape."""

    person: str
    message: str


@dataclass(frozen=True)
class SystemScores:
    """How one system did on all people."""

    system: str
    people: tuple[PersonScores, ...]
    """Those for whom there is a shape, in the order they were measured."""
    failures: tuple[Failure, ...] = field(default=())
    """The others; they are in no mean, so a table must name their number."""


@dataclass(frozen=True)
class Case:
    """What one system made of one person: kept for pictures."""

    truth: GroundTruth
    prediction: Prediction
    scores: PersonScores


def evaluate_systems(
    systems: Sequence[System],
    people: Iterable[GroundTruth],
    count: int,
    *,
    surface_samples: int = SURFACE_SAMPLES,
    solid_samples: int = SOLID_SAMPLES,
    seed: int = 0,
    keep_cases_of: str | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[list[SystemScores], list[Case]]:
    """Measure every system on every person.

    Args:
        systems: to compare.
        people: made one at a time; each is let go when it is measured.
        count: how many people there will be, for the progress.
        surface_samples: points on each predicted surface.
        solid_samples: points in the box around both solids.
        seed: of the samples.
        keep_cases_of: name of the system whose predictions are returned too.
        on_progress: called with (person and system, fraction) before each prediction.

    Returns:
        The scores of each system in the order given, and the cases that were asked for.
    """
    scores: list[list[PersonScores]] = [[] for _ in systems]
    failures: list[list[Failure]] = [[] for _ in systems]
    cases: list[Case] = []
    for number, truth in enumerate(people):
        for index, system in enumerate(systems):
            if on_progress is not None:
                done = (number + index / len(systems)) / count
                on_progress(f"{truth.name}: {system.name}", done)
            try:
                prediction = system.predict(truth.crop)
                require_solid(prediction.mesh)
            except SurfaceError as error:
                failures[index].append(Failure(truth.name, str(error)))
                continue
            measured = score_person(
                truth,
                prediction,
                surface_samples=surface_samples,
                solid_samples=solid_samples,
                seed=seed,
            )
            scores[index].append(measured)
            if system.name == keep_cases_of:
                cases.append(Case(truth, prediction, measured))
    if on_progress is not None:
        on_progress("done", 1.0)
    return [
        SystemScores(system.name, tuple(people_scores), tuple(failed))
        for system, people_scores, failed in zip(systems, scores, failures, strict=True)
    ], cases
