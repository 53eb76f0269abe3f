"""Whether newly trained weights are better than the shipped ones, and the record of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pifuhd_ros.evaluation.evaluate import SystemScores
from pifuhd_ros.evaluation.tables import Column, mean_of
from pifuhd_ros.types import PifuhdError

TOLERANCE = 0.02
"""A figure that is not the chamfer distance may become worse by this share of itself."""
_FIRST_ENTRY = "\n## "


@dataclass(frozen=True)
class Figure:
    """A figure that is compared."""

    column: Column
    higher_is_better: bool


FIGURES = (
    Figure(Column("chamfer [cm]", "unaligned", "chamfer_cm", 2), False),
    Figure(Column("prediction → truth [cm]", "unaligned", "pred_to_gt_cm", 2), False),
    Figure(Column("truth → prediction [cm]", "unaligned", "gt_to_pred_cm", 2), False),
    Figure(Column("normal consistency", "unaligned", "normal_consistency", 3), True),
    Figure(Column("IoU", "unaligned", "iou", 3), True),
    Figure(Column("front normals [°]", "", "normal_error_front_deg", 1), False),
    Figure(Column("back normals [°]", "", "normal_error_back_deg", 1), False),
)
"""The chamfer distance decides; the others may not become much worse."""
ALBEDO_FIGURES = (
    Figure(Column("front albedo PSNR [dB]", "colors.albedo", "psnr_front_db", 1), True),
    Figure(Column("back albedo PSNR [dB]", "colors.albedo", "psnr_back_db", 1), True),
)
"""More of them, of a system that knows an albedo."""


@dataclass(frozen=True)
class Session:
    """What a record tells of a training session."""

    date: str
    """Year, month and day."""
    name: str
    """Of the weights."""
    config: str
    """As given on the command line, with the changes to it."""
    machine: str
    seed: int
    stages: Sequence[tuple[str, int, int, int, float]]
    """Name, steps so far, of how many, views seen, and minutes of each stage."""
    people: str
    """The held-out people that both were measured on."""
    sha256: tuple[str, str]
    """Of the weights before and after."""


def why_not_better(before: SystemScores, after: SystemScores) -> str | None:
    """Why the weights after are not better than those before; None if they are."""
    if len(after.failures) > len(before.failures):
        return f"no shape for {len(after.failures)} people instead of {len(before.failures)}"
    chamfer, *others = _figures(before, after)
    old, new = (mean_of(scores, chamfer.column) for scores in (before, after))
    if not new < old and not (math.isnan(old) and math.isfinite(new)):
        return f"{chamfer.column.title} did not fall"
    for figure in others:
        old, new = (mean_of(scores, figure.column) for scores in (before, after))
        loss = old - new if figure.higher_is_better else new - old
        if loss > TOLERANCE * abs(old):
            return f"{figure.column.title} became worse"
    return None


def record(session: Session, before: SystemScores, after: SystemScores) -> str:
    """An entry of the training log."""
    reason = why_not_better(before, after)
    verdict = "kept" if reason is None else f"not kept: {reason}"
    lines = [
        f"## {session.date}: `{session.name}`, {verdict}",
        "",
        f"{session.machine}. Config `{session.config}`, seed {session.seed}.",
        "",
        "| stage | steps | views seen | minutes |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {steps} of {of_steps} | {views} | {minutes:.1f} |"
        for name, steps, of_steps, views, minutes in session.stages
    ]
    lines += ["", f"Measured on {session.people}:", "", "| | before | after |", "|---|---:|---:|"]
    for figure in _figures(before, after):
        column = figure.column
        old, new = (
            f"{mean_of(scores, column):.{column.digits}f}" if scores.people else "–"
            for scores in (before, after)
        )
        lines.append(f"| {column.title} | {old} | {new} |")
    lines.append(f"| no shape | {len(before.failures)} | {len(after.failures)} |")
    lines.append("| sha256 | " + " | ".join(f"`{s[:12]}`" for s in session.sha256) + " |")
    return "\n".join(lines) + "\n"


def _figures(*sides: SystemScores) -> tuple[Figure, ...]:
    """Those that people of all sides have."""
    people = [person for side in sides for person in side.people]
    colored = bool(people) and all(person.colors is not None for person in people)
    return FIGURES + ALBEDO_FIGURES if colored else FIGURES


def check_log(path: Path) -> None:
    """Check that an entry can be added.

    Raises:
        PifuhdError: the file cannot be read.
    """
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PifuhdError(f"cannot read the training log {path}: {error}") from error


def add_to_log(path: Path, entry: str) -> None:
    """Put an entry before those that are there: the log has the newest first."""
    text = path.read_text(encoding="utf-8")
    head, mark, rest = text.partition(_FIRST_ENTRY)
    path.write_text(f"{head.rstrip()}\n\n{entry}{mark}{rest}", encoding="utf-8")
