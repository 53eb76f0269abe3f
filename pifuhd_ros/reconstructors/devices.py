"""The device that does the work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pifuhd_ros.types import DeviceError


def resolve_device(device: str | torch.device) -> torch.device:
    """The device of a name: "auto" (CUDA where there is any, else the CPU), "cpu", "cuda:1" ….

    Raises:
        DeviceError: there is no such device here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(f"unknown device {device!r}: use auto, cpu, cuda or cuda:1") from error
    if resolved.type == "cpu":
        return resolved
    if resolved.type != "cuda":
        raise DeviceError(f"device {str(device)!r} is not supported: use auto, cpu or cuda")
    if not torch.cuda.is_available():
        raise DeviceError(
            "CUDA is not available: this machine has no NVIDIA GPU or driver, or torch was "
            "installed without CUDA; use device 'cpu' or 'auto'"
        )
    if (resolved.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"there is no {resolved}: this machine has {torch.cuda.device_count()}")
    return resolved


_MEMORY_WORDS = re.compile(
    r"out of memory|not enough memory|can't allocate memory|failed to allocate|ALLOC_FAILED",
    re.IGNORECASE,
)


@contextmanager
def memory_errors_explained(device: torch.device) -> Iterator[None]:
    """Turn running out of memory into a DeviceError that says what helps."""
    try:
        yield
    except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        raise DeviceError(
            f"{device} has too little free memory for this network: end other programs, lower the "
            "resolution" + ("" if device.type == "cpu" else ", or use device 'cpu'")
        ) from error


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether the machine or the GPU had too little memory; torch has several ways to say so.

    The CPU's allocator raises a plain RuntimeError, the CUDA libraries one of their own.
    """
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(_MEMORY_WORDS.search(str(error)))
