"""A whole evaluation as a file."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from pifuhd_ros.evaluation.color_scores import ALBEDOS, AlbedoScores, ColorScores
from pifuhd_ros.evaluation.evaluate import PersonOutcome, SystemScores, gather_scores
from pifuhd_ros.evaluation.failure import Failure
from pifuhd_ros.evaluation.ground_truth import STATURE_M
from pifuhd_ros.evaluation.held_out import LIGHTS
from pifuhd_ros.evaluation.inputs import InputKind, InputRecord
from pifuhd_ros.evaluation.legacy import LegacyScores
from pifuhd_ros.evaluation.light_scores import LightReport, LightScores
from pifuhd_ros.evaluation.measurement import Measurement
from pifuhd_ros.evaluation.provenance import (
    Machine,
    Weights,
    describe_machine,
    describe_weights,
    library_versions,
)
from pifuhd_ros.evaluation.scores import PersonScores, ShapeScores, SlopeScores
from pifuhd_ros.networks.weights import default_weights_path
from pifuhd_ros.types import PifuhdError

_Read = TypeVar("_Read")

FORMAT = "pifuhd_ros-evaluation/2"


@dataclass(frozen=True)
class EvaluationReport:
    """Scores and all that is needed to repeat them."""

    split: str
    """Where the people come from."""
    count: int
    """How many people."""
    seed: int
    """Of the people."""
    input: InputKind
    """What the systems were given."""
    photo_px: int
    """Side of the photos."""
    inputs: tuple[InputRecord, ...]
    """How each person's input came about, in the order of the people."""
    surface_samples: int
    """Points on each surface."""
    solid_samples: int
    """Points of the IoU."""
    resolution: int
    """Cells along each axis of the grid that the surfaces come from."""
    weights: Weights
    """Of the system that is not a baseline."""
    systems: tuple[SystemScores, ...]
    versions: Mapping[str, str]
    machine: Machine
    workers: int
    """Processes that worked at the same time, which lengthens the times."""
    threads: int
    """CPU threads of each."""
    stature_m: float = STATURE_M
    """Every person is scaled to this."""
    light: LightReport | None = None
    """Of the first of the people, each in several lights, where that was measured."""

    @property
    def not_detected(self) -> int:
        """How many people the detector did not find; they were given by the true mask."""
        if self.input == "true":
            return 0
        return sum(not record.detected for record in self.inputs)


def report_of(
    measurement: Measurement,
    outcomes: Sequence[PersonOutcome],
    workers: int,
    in_lights: Sequence[LightScores | Failure] = (),
) -> EvaluationReport:
    """The report of a measurement of held-out people.

    Args:
        measurement: what was measured with.
        outcomes: of the people, in order.
        workers: how many processes measured.
        in_lights: what ``measure_people_in_lights`` found, if it was asked.
    """
    config = measurement.config
    return EvaluationReport(
        split="held-out",
        count=len(outcomes),
        seed=config.seed,
        input=config.input,
        photo_px=config.photo_px,
        inputs=tuple(outcome.given for outcome in outcomes),
        surface_samples=config.surface_samples,
        solid_samples=config.solid_samples,
        resolution=config.resolution,
        weights=describe_weights(config.weights or default_weights_path(f"{config.system}-lite")),
        systems=gather_scores([system.name for system in measurement.systems], outcomes),
        versions=library_versions(),
        machine=describe_machine(measurement.model.device),
        workers=workers,
        threads=config.threads,
        light=LightReport.of(LIGHTS, in_lights) if in_lights else None,
    )


def median_times_s(timings_s: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median seconds of each stage over those people for whom it ran."""
    stages = list(dict.fromkeys(stage for timings in timings_s for stage in timings))
    return {stage: statistics.median(t[stage] for t in timings_s if stage in t) for stage in stages}


def write_report(report: EvaluationReport, path: Path) -> None:
    """Write the report, with the mean and the median of every figure, as JSON."""
    data = {"format": FORMAT, **asdict(report)}
    data["not_detected"] = report.not_detected
    data["input_times_s"] = median_times_s([record.timings_s for record in report.inputs])
    for system, scores in zip(data["systems"], report.systems, strict=True):
        system["summary"] = _summary(scores.people)
    if report.light is not None and report.light.people:
        data["light"]["summary"] = report.light.summary()
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_rounded(data), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_report(path: Path) -> EvaluationReport:
    """Read a report back, strictly.

    Raises:
        PifuhdError: the file is no report of this version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        for derived in ("not_detected", "input_times_s"):
            data.pop(derived)
        data["systems"] = tuple(_system_from(system) for system in data["systems"])
        data["inputs"] = tuple(InputRecord(**record) for record in data["inputs"])
        data["light"] = _optional(LightReport.from_json, data.get("light"))
        data["weights"], data["machine"] = Weights(**data["weights"]), Machine(**data["machine"])
        return EvaluationReport(**data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PifuhdError(f"{path} is no evaluation report: {error}") from error


def _system_from(data: Mapping[str, Any]) -> SystemScores:
    people = tuple(
        PersonScores(
            **{
                **person,
                "unaligned": ShapeScores(**person["unaligned"]),
                "icp": ShapeScores(**person["icp"]),
                "legacy": LegacyScores(**person["legacy"]),
                "colors": _optional(ColorScores.from_json, person.get("colors")),
                "slope": _optional(lambda slope: SlopeScores(**slope), person.get("slope")),
            }
        )
        for person in data["people"]
    )
    failures = tuple(Failure(**failure) for failure in data["failures"])
    return SystemScores(data["system"], people, failures)


def _optional(read: Callable[[Any], _Read], data: Any) -> _Read | None:
    return None if data is None else read(data)


def _summary(people: Sequence[PersonScores]) -> dict[str, Any]:
    """Mean and median of every figure, in the groups of PersonScores."""
    groups = {"unaligned": ShapeScores, "icp": ShapeScores, "legacy": LegacyScores}
    summary: dict[str, Any] = {
        group: _summary_of(kind, [getattr(person, group) for person in people])
        for group, kind in groups.items()
    }
    colors = [person.colors for person in people if person.colors is not None]
    if colors:
        summary["colors"] = {
            name: _summary_of(AlbedoScores, [getattr(one, name) for one in colors])
            for name in ALBEDOS
        }
        summary["colors"]["cover"] = _mean_and_median([one.cover for one in colors])
    slopes = [person.slope for person in people if person.slope is not None]
    if slopes:
        summary["slope"] = _summary_of(SlopeScores, slopes)
    for entry in fields(PersonScores):
        if entry.type == "float":
            summary[entry.name] = _mean_and_median([getattr(p, entry.name) for p in people])
    return {**summary, "times_s": median_times_s([person.timings_s for person in people])}


def _summary_of(kind: type[Any], figures: Sequence[Any]) -> dict[str, Any]:
    return {
        entry.name: _mean_and_median([getattr(one, entry.name) for one in figures])
        for entry in fields(kind)
    }


def _mean_and_median(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"mean": statistics.fmean(values), "median": statistics.median(values)}


def _rounded(value: Any) -> Any:
    """Six digits are far below the noise of the samples."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(entry) for entry in value]
    return value
