"""Time and progress of work that goes through stages."""

from __future__ import annotations

import time

import torch

from pifuhd_ros.types import OnProgress


class StageWatch:
    """Is told which stage begins, passes that on as progress, and keeps each stage's time.

    A stage lasts until the next one begins. Waits for a GPU to finish before it looks at the
    clock, so that a stage's time is its own.
    """

    def __init__(self, device: torch.device, on_progress: OnProgress | None = None) -> None:
        """Start without a stage.

        Args:
            device: where the work is done.
            on_progress: told every stage and fraction.
        """
        self._device = device
        self._on_progress = on_progress
        self._stage = ""
        self._since_s = 0.0
        self._done = 0.0
        self._timings_s: dict[str, float] = {}

    def __call__(self, stage: str, fraction: float) -> None:
        """Note that the work is in a stage, a fraction of all stages being done."""
        if stage != self._stage:
            self._end_stage()
            self._stage = stage
        # Sums of parts may fall short of what was reported by a rounding error.
        self._done = max(self._done, min(fraction, 1.0))
        if self._on_progress is not None:
            self._on_progress(stage, self._done)

    def part(self, start: float, end: float) -> OnProgress:
        """A callback for work that counts its own progress from 0 to 1."""

        def report(stage: str, fraction: float) -> None:
            self(stage, start + (end - start) * fraction)

        return report

    def take_timings_s(self) -> dict[str, float]:
        """End the stage and hand out the seconds of each since the last call, in order."""
        self._end_stage()
        self._stage = ""
        timings_s, self._timings_s = self._timings_s, {}
        return timings_s

    def _end_stage(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now_s = time.perf_counter()
        if self._stage:
            spent_s = self._timings_s.get(self._stage, 0.0) + now_s - self._since_s
            self._timings_s[self._stage] = spent_s
        self._since_s = now_s
