"""An evaluation as tables for readers, and their place in a page."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pifuhd_ros.evaluation.color_tables import color_text, light_text, slope_text
from pifuhd_ros.evaluation.evaluate import SystemScores
from pifuhd_ros.evaluation.legacy import LEGACY_SAMPLES
from pifuhd_ros.evaluation.report import EvaluationReport, median_times_s
from pifuhd_ros.evaluation.scores import PersonScores
from pifuhd_ros.types import PifuhdError


@dataclass(frozen=True)
class Column:
    """One column of the table of systems."""

    title: str
    group: str
    """"unaligned", "icp", "legacy", or "" for a figure of the person."""
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
    Column("front normals [°]", "", "normal_error_front_deg", 1),
    Column("back normals [°]", "", "normal_error_back_deg", 1),
)
LEGACY_COLUMNS = (
    Column("P2S [cm]", "legacy", "pred_to_gt_cm", 2),
    Column("chamfer [cm]", "legacy", "chamfer_cm", 2),
    Column("normal", "legacy", "normal_l2", 3),
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
    """The systems beside each other: the figures, those of the PIFu papers, and the times.

    Between them stand the figures of colours, distances and light, where there are any.
    """
    shown = (
        f"Means over {report.count} {report.split} people (seed {report.seed}), scaled to "
        f"{100 * report.stature_m:.0f} cm; {_described_input(report)}; "
        f"{report.surface_samples // 1000}k samples a surface; "
        f"weights `{report.weights.name}`, sha256 `{report.weights.sha256[:12]}`; "
        f"{report.resolution}³ grid."
    )
    legacy = (
        f"By the formula of the published PIFuHD code ({LEGACY_SAMPLES // 1000}k samples to the "
        "other mesh, normals drawn from four sides):"
    )
    times = (
        f"Median times on {report.machine.processor} ({_counted(report.threads, 'thread')} each "
        f"of {_counted(report.workers, 'process', 'es')} at work; accelerator: "
        f"{report.machine.accelerator}):"
    )
    more = [text(scores) for scores in report.systems for text in (color_text, slope_text)]
    if report.light is not None:
        more.append(light_text(report.light))
    parts = [_table(report, COLUMNS), shown, *(text for text in more if text)]
    parts += [legacy, _table(report, LEGACY_COLUMNS), times, _times(report)]
    return "\n\n".join(parts) + "\n"


def _table(report: EvaluationReport, columns: Sequence[Column]) -> str:
    lines = [
        "| | " + " | ".join(column.title for column in columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for scores in report.systems:
        cells = [
            f"{mean_of(scores, column):.{column.digits}f}" if scores.people else "–"
            for column in columns
        ]
        title = _title(scores)
        if scores.failures:
            title += f" (no shape for {len(scores.failures)} of {report.count})"
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _times(report: EvaluationReport) -> str:
    """A line for what all systems share and one for each system."""
    rows = [("for all", [record.timings_s for record in report.inputs])]
    rows += [(_title(s), [person.timings_s for person in s.people]) for s in report.systems]
    lines = []
    for title, timings in rows:
        medians = median_times_s(timings)
        if medians:
            stages = ", ".join(f"{stage} {seconds:.3f} s" for stage, seconds in medians.items())
            lines.append(f"- {title}: {stages}")
    return "\n".join(lines)


def _title(scores: SystemScores) -> str:
    return _TITLES.get(scores.system, f"`{scores.system}`")


def _described_input(report: EvaluationReport) -> str:
    if report.input == "true":
        return "cropped by the true mask"
    overlap = [record.mask_iou for record in report.inputs if record.detected]
    text = "cropped and masked as the detector finds them"
    if overlap:
        text += f" (median IoU of the masks {statistics.median(overlap):.3f})"
    if report.not_detected:
        text += f", {report.not_detected} whom it did not find by the true mask"
    return text


def _counted(count: int, noun: str, plural: str = "s") -> str:
    return f"{count} {noun}{'' if count == 1 else plural}"


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
