"""Clocks and meters."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch


@dataclass(frozen=True)
class Timing:
    """Seconds of several runs of the same work."""

    median_s: float
    lowest_s: float
    highest_s: float
    runs: int


@dataclass(frozen=True)
class Case:
    """One thing that was measured."""

    name: str
    title: str
    stages: dict[str, Timing] = field(default_factory=dict)
    """Each stage apart, in the order they ran."""
    total: Timing | None = None
    """From the first stage to the last."""
    peak_memory_gb: float | None = None
    """Most resident memory of the process, libraries and weights included."""
    figures: dict[str, float] = field(default_factory=dict)
    """Anything else, its unit in its name."""
    note: str = ""
    """How it was measured, where the title does not say it."""


def summarize(seconds: Sequence[float]) -> Timing:
    """Median and range of at least one run."""
    return Timing(statistics.median(seconds), min(seconds), max(seconds), len(seconds))


def summarize_stages(
    runs: Sequence[dict[str, float]],
) -> tuple[dict[str, Timing], Timing]:
    """Each stage and their sum over runs; all runs have the same stages."""
    if any(run.keys() != runs[0].keys() for run in runs):
        raise ValueError(f"runs have different stages: {[list(run) for run in runs]}")
    stages = {stage: summarize([run[stage] for run in runs]) for stage in runs[0]}
    return stages, summarize([sum(run.values()) for run in runs])


class StageClock:
    """Seconds of stages, each running until the next begins.

    Calling it names the stage that begins, so it can be handed over as an OnProgress; several
    calls with one name add up.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._seconds: dict[str, float] = {}
        self._stage: str | None = None
        self._began = 0.0

    def __call__(self, stage: str, fraction: float = 0.0) -> None:
        """A stage begins, or goes on."""
        if stage != self._stage:
            self._end_stage()
            self._stage, self._began = stage, time.perf_counter()

    def stop(self) -> dict[str, float]:
        """The last stage ends: the seconds of all, in the order in which they began."""
        self._end_stage()
        return self._seconds

    def _end_stage(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        if self._stage is not None:
            seconds = time.perf_counter() - self._began
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + seconds
            self._stage = None


def peak_memory_gb() -> float:
    """Most resident memory of this process so far.

    From /proc: getrusage would include what the parent held when it started this process.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    raise OSError("/proc/self/status has no VmHWM")


def time_matrix_product(device: torch.device, size: int, runs: int) -> Timing:
    """Seconds of a float32 matrix product: 2 size^3 operations, the rate no network exceeds."""
    a, b = torch.rand(2, size, size, device=device)
    seconds = []
    for _ in range(runs + 1):
        clock = StageClock(device)
        clock("product")
        a @ b
        seconds.append(clock.stop()["product"])
    return summarize(seconds[1:])
