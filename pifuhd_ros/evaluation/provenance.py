"""On what a figure was measured: without this it cannot be compared or repeated."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

_LIBRARIES = ("torch", "numpy", "scipy", "mediapipe")


@dataclass(frozen=True)
class Machine:
    """What of a machine decides its speed; nothing that names it."""

    processor: str
    """Model of the CPU."""
    cores: int
    """Cores that this process may use."""
    memory_gb: float
    accelerator: str
    """Model of the GPU, or "none"."""


@dataclass(frozen=True)
class Weights:
    """A weights file, told by its content."""

    name: str
    """The file's name without its folder."""
    sha256: str


def describe_machine(device: torch.device) -> Machine:
    """The machine that this runs on, as far as ``device`` makes it matter."""
    pages, page_size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(pages * page_size / 1e9, 1),
        accelerator=torch.cuda.get_device_name(device) if device.type == "cuda" else "none",
    )


def describe_weights(path: Path) -> Weights:
    """Name and checksum of a weights file."""
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return Weights(path.name, digest.hexdigest())


def library_versions() -> Mapping[str, str]:
    """Versions of Python, of this package, and of the libraries that decide results and speed."""
    versions = {"python": platform.python_version()}
    for name in ("pifuhd_ros", *_LIBRARIES):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
