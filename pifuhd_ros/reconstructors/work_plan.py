"""Fitting a reconstruction into the memory that is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from pifuhd_ros.reconstructors.memory_need import NetworkConfig, estimate_memory
from pifuhd_ros.stages.surface import MIN_RESOLUTION
from pifuhd_ros.types import DeviceError

MOST_POINTS_AT_ONCE = {"cpu": 2**16, "cuda": 2**17}
"""Points of one query where memory is plenty, by kind of device."""
FEWEST_POINTS_AT_ONCE = 2**12
"""Below this a GPU idles."""


@dataclass(frozen=True)
class WorkPlan:
    """How a capture is done."""

    resolution: int
    """Cells along each axis, at most those that were asked for."""
    points_at_once: int
    """Most points of one query."""
    notices: tuple[str, ...] = ()
    """What the result says about it."""


def free_memory(device: torch.device) -> int:
    """Bytes that tensors may still take on a device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + kept
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no MemAvailable")


def plan_work(
    config: NetworkConfig,
    resolution: int,
    lowest_resolution: int,
    dtype: torch.dtype,
    device: torch.device,
    free: int,
) -> WorkPlan:
    """Ask for fewer points at once, and then lower the resolution, until the work fits.

    Args:
        config: sizes of a network that is loaded.
        resolution: what was asked for.
        lowest_resolution: what it may be lowered to, by halves.
        dtype: of the engine.
        device: which does the work.
        free: bytes from free_memory.

    Raises:
        DeviceError: even the smallest work does not fit.
    """
    chosen = resolution
    while True:
        points = MOST_POINTS_AT_ONCE[device.type]
        need = estimate_memory(config, chosen, dtype, points)
        while need.work > free and points > FEWEST_POINTS_AT_ONCE:
            points //= 2
            need = estimate_memory(config, chosen, dtype, points)
        if need.work <= free:
            break
        if chosen % 2 or chosen // 2 < max(lowest_resolution, MIN_RESOLUTION):
            raise DeviceError(
                f"{device} has {free / 1e9:.1f} GB of free memory and a reconstruction at "
                f"resolution {chosen} takes {need.work / 1e9:.1f} GB: end other programs, lower "
                "the resolution, or use a smaller network"
            )
        chosen //= 2
    what = []
    if chosen < resolution:
        what.append(f"The resolution was lowered from {resolution} to {chosen}")
    if points < MOST_POINTS_AT_ONCE[device.type]:
        what.append(f"The surface was searched {points} points at a time, which takes longer")
    why = f"{device} has only {free / 1e9:.1f} GB of free memory."
    return WorkPlan(chosen, points, tuple(f"{part}: {why}" for part in what))
