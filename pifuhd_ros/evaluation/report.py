"""A whole evaluation as a file, and as tables for readers."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pifuhd_ros.evaluation.evaluate import Failure, SystemScores
from pifuhd_ros.evaluation.ground_truth import STATURE_M
from pifuhd_ros.evaluation.provenance import Machine, Weights
from pifuhd_ros.evaluation.scores import PersonScores, ShapeScores
from pifuhd_ros.types import PifuhdError

FORMAT = "pifuhd_ros-evaluation/1"


@dataclass(frozen=True)
class EvaluationReport:
    """Scores and all that is needed to repeat them."""

    split: str
    """Where the people come from."""
    count: int
    """How many people."""
    seed: int
    """Of the people."""
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
    stature_m: float = STATURE_M
    """Every person is scaled to this."""


@dataclass(frozen=True)
class Column:
    """One column of the table of systems."""

    title: str
    group: str
    """"unaligned", "icp", or "" for a figure of the person."""
    key: str
    digits: int

    def value(self, person: PersonScores) -> float:
        """This column's figure of one person."""
        return float(getattr(getattr(person, self.group) if self.group else person, self.key))


COLUMNS = (
    Column("prediction → truth [cm]", "unaligned", "pred_to_gt_cm", 2),
    Column("truth → prediction [cm]", "unaligned", "gt_to_pred_cm", 2),
    Column("chamfer [cm]", "unaligned", "chamfer_cm", 2),
    Column("chamfer after ICP [cm]", "icp", "chamfer_cm", 2),
    Column("normal consistency", "unaligned", "normal_consistency", 3),
    Column("F-score at 1 cm", "unaligned", "f_score_1cm", 3),
    Column("IoU", "unaligned", "iou", 3),
    Column("normal maps [°]", "", "normal_error_deg", 1),
)

_TITLES = {
    "mean_body": "mean body in the silhouette's box",
    "inflated_silhouette": "silhouette inflated",
}


def mean_of(scores: SystemScores, column: Column) -> float:
    """Mean over people; NaN where the system made no shape at all."""
    values = [column.value(person) for person in scores.people]
    return statistics.fmean(values) if values else math.nan


def markdown_table(report: EvaluationReport) -> str:
    """The systems beside each other, and in a sentence on what they were measured."""
    lines = [
        "| | " + " | ".join(column.title for column in COLUMNS) + " |",
        "|---|" + "---:|" * len(COLUMNS),
    ]
    for scores in report.systems:
        cells = [
            f"{mean_of(scores, column):.{column.digits}f}" if scores.people else "–"
            for column in COLUMNS
        ]
        title = _TITLES.get(scores.system, f"`{scores.system}`")
        if scores.failures:
            title += f" (no shape for {len(scores.failures)} of {report.count})"
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"Means over {report.count} {report.split} people (seed {report.seed}), scaled to "
        f"{100 * report.stature_m:.0f} cm; {report.surface_samples // 1000}k samples a surface; "
        f"weights `{report.weights.name}`, sha256 `{report.weights.sha256[:12]}`; "
        f"{report.resolution}³ grid.",
    ]
    return "\n".join(lines) + "\n"


def write_report(report: EvaluationReport, path: Path) -> None:
    """Write the report, with the mean and the median of every figure, as JSON."""
    data = {"format": FORMAT, **asdict(report)}
    for system, scores in zip(data["systems"], report.systems, strict=True):
        system["summary"] = _summary(scores.people)
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
        systems = tuple(_system_from(system) for system in data.pop("systems"))
        weights, machine = Weights(**data.pop("weights")), Machine(**data.pop("machine"))
        return EvaluationReport(systems=systems, weights=weights, machine=machine, **data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PifuhdError(f"{path} is no evaluation report: {error}") from error


def put_in_page(path: Path, name: str, content: str | None) -> None:
    """Put a table between the markers of a page, such as the README.

    Args:
        path: of a text file.
        name: of the markers, see ``replace_between_markers``.
        content: to put there; None only checks that it can be.

    Raises:
        PifuhdError: the file cannot be read or does not have exactly one such place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PifuhdError(f"cannot read {path}: {error}") from error
    try:
        replaced = replace_between_markers(text, name, content or "")
    except ValueError as error:
        raise PifuhdError(f"{path}: {error}") from error
    if content is not None:
        path.write_text(replaced, encoding="utf-8")


def replace_between_markers(text: str, name: str, content: str) -> str:
    """Put content between ``<!-- name:begin -->`` and ``<!-- name:end -->`` of a text.

    Raises:
        ValueError: the text does not have exactly one such place.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"it needs one {begin} and after it one {end}")
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    return f"{head}{begin}\n{content.strip()}\n{end}{tail}"


def _system_from(data: Mapping[str, Any]) -> SystemScores:
    people = tuple(
        PersonScores(
            **{
                **person,
                "unaligned": ShapeScores(**person["unaligned"]),
                "icp": ShapeScores(**person["icp"]),
            }
        )
        for person in data["people"]
    )
    failures = tuple(Failure(**failure) for failure in data["failures"])
    return SystemScores(data["system"], people, failures)


def _summary(people: Sequence[PersonScores]) -> dict[str, Any]:
    shape_keys = [entry.name for entry in fields(ShapeScores)]
    person_keys = [entry.name for entry in fields(PersonScores) if entry.type == "float"]
    columns = [Column("", group, key, 0) for group in ("unaligned", "icp") for key in shape_keys]
    summary: dict[str, Any] = {"unaligned": {}, "icp": {}}
    for column in [*columns, *(Column("", "", key, 0) for key in person_keys)]:
        values = [column.value(person) for person in people]
        place = summary[column.group] if column.group else summary
        place[column.key] = (
            {"mean": statistics.fmean(values), "median": statistics.median(values)}
            if values
            else None
        )
    return summary


def _rounded(value: Any) -> Any:
    """Six digits are far below the noise of the samples."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(entry) for entry in value]
    return value
