"""What the detector saw in a shard's views: a file beside it, ``detections-00000.safetensors``.

``{i}/{j}/points`` (33, 4) float32 are the detector's points in the model space of person i's view
j, see JointLifter, or none (0, 4) where it found nobody. ``{i}/{j}/joints`` (19, 4) is the
skeleton, see geometry/skeleton.py, that a lifter made of them which had not learned from this
person; zero where nobody was found. Both are made by scripts/train_joint_lifter.py; training reads
the joints.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def detections_path(shard: Path) -> Path:
    """Where the detections of a shard lie."""
    return shard.with_name(shard.name.replace("shard-", "detections-"))


class Detections:
    """A shard's detections, opened; each is read when asked for."""

    def __init__(self, shard: Path) -> None:
        """There are none where the detector was not asked."""
        path = detections_path(shard)
        self._file = safe_open(str(path), "pt") if path.exists() else None
        self._names = set(self._file.keys()) if self._file else set[str]()

    def joints(self, view: str) -> torch.Tensor | None:
        """The skeleton (19, 4) in the view ``{i}/{j}``; None where nobody has looked."""
        name = f"{view}/joints"
        if self._file is None or name not in self._names:
            return None
        skeleton: torch.Tensor = self._file.get_tensor(name)
        return skeleton


def read_detections(shard: Path) -> dict[str, torch.Tensor]:
    """All of a shard's detections; none where the detector was not asked."""
    path = detections_path(shard)
    return load_file(str(path)) if path.exists() else {}


def write_detections(shard: Path, detections: Mapping[str, torch.Tensor]) -> None:
    """Writes them, whole or not at all."""
    path = detections_path(shard)
    partial = path.with_suffix(".partial")
    save_file({name: rows.contiguous() for name, rows in detections.items()}, str(partial))
    os.replace(partial, path)
