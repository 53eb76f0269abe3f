"""Clocks and meters."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from pifuhd_ros.reconstructors.stage_watch import StageWatch


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
    goal: str = ""
    """What is to be reached."""
    batch: int = 1
    """People at once."""
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


def peak_memory_gb() -> float:
    """Most resident memory of this process so far.

    From /proc: getrusage would include what the parent held when it started this process.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    raise OSError("/proc/self/status has no VmHWM")


def clock_mhz(device: torch.device) -> float | None:
    """What the processor that does the work runs at now; None where it does not say."""
    if device.type == "cuda":
        try:
            return float(torch.cuda.clock_rate(device))
        except (ModuleNotFoundError, RuntimeError):
            return None
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("cpu MHz"):
            return float(line.split(":")[1])
    return None


def peak_of(device: torch.device) -> float:
    """Most memory in GB, of the GPU where the work is done on one, else of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 1e9
    return peak_memory_gb()


def time_matrix_product(
    device: torch.device, size: int, runs: int, dtype: torch.dtype = torch.float32
) -> Timing:
    """Seconds of a matrix product: 2 size^3 operations, the rate no network exceeds."""
    a, b = torch.rand(2, size, size, device=device).to(dtype)
    seconds = []
    for _ in range(runs + 1):
        watch = StageWatch(device)
        watch("product", 0.0)
        a @ b
        seconds.append(watch.take_timings_s()["product"])
    return summarize(seconds[1:])
