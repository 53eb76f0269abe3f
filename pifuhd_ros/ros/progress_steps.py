"""Progress that is worth telling."""

from __future__ import annotations

from pifuhd_ros.types import OnProgress

STEP = 0.01
"""Smallest progress within a stage that is news."""


def in_steps(on_progress: OnProgress) -> OnProgress:
    """Pass on only what is news: another stage, or a step ahead in the same one."""
    last_stage, last_progress = "", 0.0

    def report(stage: str, progress: float) -> None:
        nonlocal last_stage, last_progress
        if stage == last_stage and progress < last_progress + STEP:
            return
        last_stage, last_progress = stage, progress
        on_progress(stage, progress)

    return report
