"""The results of bench.py as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goals import NOT_MEASURED


def speed_table(report: Mapping[str, Any]) -> str:
    """A table of the cases, the stages of each below it, and on what it was measured."""
    lines = ["| | median | range | peak memory | figures |", "|---|---:|---:|---:|---|"]
    notes = []
    for case in report["cases"]:
        if case["note"] == NOT_MEASURED:
            lines.append(f"| **{case['title']}** | {NOT_MEASURED} | | | to reach: {case['goal']} |")
            continue
        memory = case["peak_memory_gb"]
        figures = [_figure(key, value) for key, value in case["figures"].items()]
        if case.get("goal"):
            figures.insert(0, f"to reach: {case['goal']}")
        cells = [
            f"**{case['title']}**",
            *_seconds(case["total"]),
            "" if memory is None else f"{memory:.1f} GB",
            "; ".join(figures),
        ]
        lines.append("| " + " | ".join(cells) + " |")
        for stage, timing in case["stages"].items():
            lines.append("| " + " | ".join([f"  {stage}", *_seconds(timing), "", ""]) + " |")
        if case["note"]:
            notes.append(f"{case['title']}: {case['note']}")
    return "\n".join([*lines, "", " ".join([_conditions(report), *notes])]) + "\n"


def _seconds(timing: Mapping[str, Any] | None) -> tuple[str, str]:
    if timing is None:
        return "", ""
    median = f"{_short(timing['median_s'])} s"
    if timing["runs"] == 1:
        return median, "1 run"
    return median, f"{_short(timing['lowest_s'])} – {_short(timing['highest_s'])} s"


def _short(value: float) -> str:
    """Three digits that mean something, never an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    digits = 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def _figure(key: str, value: float) -> str:
    """``visited_percent`` 3.2 -> "visited 3.20 %"."""
    name, _, unit = key.rpartition("_")
    signs = {
        "percent": "%",
        "gflops": "GFLOP/s",
        "gflop": "GFLOP",
        "gb": "GB",
        "s": "s",
        "mm": "mm",
    }
    words = name.replace("_", " ") if unit in signs else key.replace("_", " ")
    number = f"{value:,.0f}" if float(value).is_integer() else _short(value)
    return " ".join(part for part in (words, number, signs.get(unit, "")) if part)


def _conditions(report: Mapping[str, Any]) -> str:
    machine = report["machine"]
    where = machine["accelerator"]
    if where == "none":
        where = f"{machine['processor']}, {report['threads']} threads on {machine['cores']} cores"
    busy = report["load_average_before"]
    text = f"Measured on {where}, PyTorch {report['versions']['torch']}, one person at a time"
    if report.get("clock_mhz"):
        text += f", at {report['clock_mhz']:.0f} MHz"
    text += f"; load average {busy} when it began." if busy > 0.5 else "."
    return text + (" A smoke test: no figures to quote." if report["quick"] else "")
