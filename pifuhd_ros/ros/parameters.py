"""Every ROS parameter of the capture node: the one table.

Declarations, descriptors, checks, config/capture.yaml and the README's table come from here.
Nothing in this file needs ROS.
"""

from __future__ import annotations

import math
import re
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal

from pifuhd_ros.fields.engine import PRECISIONS
from pifuhd_ros.reconstructors.table import RECONSTRUCTORS
from pifuhd_ros.stages.placement import DEFAULT_STATURE_M
from pifuhd_ros.stages.surface import MIN_RESOLUTION
from pifuhd_ros.types import PifuhdError

Scalar = bool | int | float | str
Value = Scalar | tuple[str, ...]
Applies = Literal["start", "configure", "activate", "capture"]
"""When a value is read. ``start``: once, read-only afterwards; ``configure`` and ``activate``: at
that transition, so it can change only before it; ``capture``: by the next capture, so it can
change at any time."""


class ParameterError(PifuhdError):
    """A parameter whose value cannot be used."""


@dataclass(frozen=True)
class ParameterSpec:
    """What is known of one parameter."""

    name: str
    default: Value
    description: str
    applies: Applies
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    """Allowed strings; for a list, allowed entries."""
    pattern: str | None = None
    """Regular expression that the whole string must match."""

    @property
    def read_only(self) -> bool:
        """True where the value is fixed when the node starts."""
        return self.applies == "start"

    @property
    def constraint(self) -> str:
        """The allowed values in words, or "" where every value of the type will do."""
        if self.choices is not None:
            kind = "any of" if isinstance(self.default, tuple) else "one of"
            return f"{kind} {', '.join(self.choices)}"
        if self.pattern is not None:
            return self.pattern
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        return ""

    def problem(self, value: object) -> str | None:
        """Say what is wrong with a value of the right type, or None where it will do."""
        if isinstance(value, float) and not math.isfinite(value):
            return f"{self.name} must be a finite number, not {value}"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            too_small = self.minimum is not None and value < self.minimum
            too_large = self.maximum is not None and value > self.maximum
            if too_small or too_large:
                return f"{self.name} must be {self.constraint}, not {value:g}"
        if isinstance(value, str):
            if self.choices is not None and value not in self.choices:
                return f"{self.name} must be {self.constraint}, not '{value}'"
            if self.pattern is not None and not re.fullmatch(self.pattern, value):
                return f"{self.name} must look like {self.pattern}, not '{value}'"
        if isinstance(value, (list, tuple)) and self.choices is not None:
            unknown = [str(entry) for entry in value if entry not in self.choices]
            if unknown:
                return f"{self.name} takes {self.constraint}, not {', '.join(unknown)}"
        return None


def _parameter(
    default: Value,
    description: str,
    *,
    applies: Applies = "capture",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
    pattern: str | None = None,
) -> Any:
    rest = {
        "default": default,
        "description": description,
        "applies": applies,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "pattern": pattern,
    }
    return field(default=default, metadata=rest)


@dataclass(frozen=True)
class CaptureParameters:
    """The values of all parameters at one moment."""

    system: str = _parameter(
        next(iter(RECONSTRUCTORS)),
        "Reconstruction system.",
        applies="configure",
        choices=tuple(RECONSTRUCTORS),
    )
    weights: str = _parameter(
        "",
        "Weights file of the system (.safetensors, or the published pifuhd.pt). "
        "Empty: the weights that the package ships.",
        applies="configure",
    )
    device: str = _parameter(
        "auto",
        "Where the networks run. auto: the GPU where there is one, else the CPU.",
        applies="configure",
        pattern=r"auto|cpu|cuda(:\d+)?",
    )
    precision: str = _parameter(
        "auto",
        "What the networks' numbers are rounded to; sums are float32 always. auto: float16 on a "
        "GPU, float32 on the CPU.",
        applies="configure",
        choices=PRECISIONS,
    )
    threads: int = _parameter(
        0,
        "CPU threads of the networks. 0: as many as torch takes by itself.",
        applies="configure",
        minimum=0,
        maximum=256,
    )
    resolution: int = _parameter(
        256,
        "Cells along each edge of the grid in which the surface is found.",
        applies="configure",
        minimum=32,
        maximum=512,
    )
    lowest_resolution: int = _parameter(
        64,
        "Where memory is short, resolution is lowered by halves, but not below this; the result "
        "says so.",
        applies="configure",
        minimum=MIN_RESOLUTION,
        maximum=512,
    )
    max_people: int = _parameter(
        1,
        "So many people of an image are reconstructed, the most prominent first.",
        applies="configure",
        minimum=1,
        maximum=20,
    )
    color: str = _parameter(
        "auto",
        "What the vertices' colours show. System pifuhd: photo, where the camera saw the surface, "
        "and a plain guess behind, or photo+albedo, with phorhum's colours behind. System phorhum: "
        "albedo, without the photo's light, or shaded, lit as in the photo. auto: photo or albedo.",
        applies="configure",
        choices=("auto", "photo", "photo+albedo", "albedo", "shaded"),
    )
    albedo_weights: str = _parameter(
        "",
        "Weights file of phorhum for the color photo+albedo. Empty: the weights that the package "
        "ships.",
        applies="configure",
    )
    face_relief: bool = _parameter(
        True,
        "Give a face that the image shows its relief, from mediapipe's face mesh: the networks "
        "see a head too small for a nose.",
        applies="configure",
    )
    stature_m: float = _parameter(
        DEFAULT_STATURE_M,
        "Body height to assume where no depth image tells the scale [m].",
        applies="configure",
        minimum=0.3,
        maximum=2.5,
    )
    warm_up: bool = _parameter(
        True,
        "Reconstruct the shipped photo while configuring, so that the first capture is as quick "
        "as the others.",
        applies="configure",
    )
    image_transport: str = _parameter(
        "raw",
        "raw: sensor_msgs/Image on `image`; compressed: sensor_msgs/CompressedImage on "
        "`image`/compressed.",
        applies="activate",
        choices=("raw", "compressed"),
    )
    image_reliability: str = _parameter(
        "auto",
        "QoS of the image and depth subscriptions. auto: reliable, and best effort as soon as a "
        "publisher offers no more than that.",
        applies="activate",
        choices=("auto", "reliable", "best_effort"),
    )
    window_s: float = _parameter(
        0.5,
        "How long a capture on request gathers frames after the first one [s]; the best of them "
        "is reconstructed.",
        minimum=0.0,
        maximum=10.0,
    )
    max_frames: int = _parameter(
        5,
        "Most frames that a capture on request chooses from, spread over the window.",
        minimum=1,
        maximum=50,
    )
    image_timeout_s: float = _parameter(
        5.0,
        "How long a capture waits for its first image [s], where the request does not say.",
        minimum=0.1,
        maximum=120.0,
    )
    output_folder: str = _parameter(
        "~/pifuhd_captures",
        "Folder of the files that a request names.",
        applies="start",
    )
    save_formats: tuple[str, ...] = _parameter(
        ("glb", "ply", "png"),
        "Files to write where a request names one; png is a sheet of views from all around.",
        choices=("glb", "obj", "ply", "png"),
    )
    marker_max_faces: int = _parameter(
        20000,
        "Triangles of a person in the markers for RViz; ~/mesh always has all.",
        minimum=100,
        maximum=200000,
    )
    preview_height_px: int = _parameter(
        360,
        "Height of the picture on ~/preview [px]; 0: no picture.",
        minimum=0,
        maximum=2160,
    )
    continuous: bool = _parameter(
        False,
        "Capture frame after frame while active, always the newest; its steps overlap. Topics "
        "that nobody subscribes to are left out.",
    )
    period_s: float = _parameter(
        0.0,
        "Shortest time from one frame of continuous capture to the next [s]; 0: as fast as it "
        "goes.",
        minimum=0.0,
        maximum=3600.0,
    )
    autostart: bool = _parameter(
        False,
        "Configure and activate by itself at the start. The launch file does this from outside.",
        applies="start",
    )


def _spec(entry: Field[Any]) -> ParameterSpec:
    return ParameterSpec(name=entry.name, **entry.metadata)


PARAMETERS: tuple[ParameterSpec, ...] = tuple(_spec(entry) for entry in fields(CaptureParameters))
