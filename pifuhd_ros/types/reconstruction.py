"""The result of a reconstruction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pifuhd_ros.types.detection import PersonDetection
from pifuhd_ros.types.mesh import Mesh
from pifuhd_ros.types.normals import NormalMaps

ScaleSource = Literal["stature_prior", "depth"]


@dataclass(frozen=True)
class Reconstruction:
    """One person, in metres in the camera's optical frame (x right, y down, z forward; REP-103)."""

    mesh: Mesh
    detection: PersonDetection
    timings_s: Mapping[str, float]
    """Seconds of each stage, in the order they ran."""
    scale_source: ScaleSource
    """Where the metric scale comes from."""
    stamp_ns: int = 0
    """The source frame's."""
    frame_id: str = ""
    """The source frame's."""
    notices: tuple[str, ...] = field(default=())
    """What is degraded in this result and why, in sentences; empty when nothing is."""
    normals: NormalMaps | None = None
    """The normal maps of the crop, of a system that estimates any; else None."""
