"""The device that does the work."""

from __future__ import annotations

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


@contextmanager
def memory_errors_explained(device: torch.device) -> Iterator[None]:
    """Turn a GPU's running out of memory into a DeviceError that says what helps."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise DeviceError(
            f"{device} has too little free memory for this network: end other programs on the "
            "GPU, lower the resolution, or use device 'cpu'"
        ) from error
