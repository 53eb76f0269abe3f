"""What every reconstruction system offers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from pifuhd_ros.fields.engine import PRECISIONS
from pifuhd_ros.stages.placement import DEFAULT_STATURE_M, DEFAULT_VERTICAL_FOV_DEG
from pifuhd_ros.stages.surface import MIN_RESOLUTION
from pifuhd_ros.types import Frame, OnProgress, PersonDetection, Reconstruction


@dataclass(frozen=True)
class ReconstructionSettings:
    """What a user chooses about a reconstruction, whatever the system."""

    resolution: int = 256
    """Cells of the surface grid along each axis of the crop's box."""
    max_people: int = 1
    """So many people of a frame are reconstructed, the most prominent first."""
    stature_m: float = DEFAULT_STATURE_M
    """Assumed height of the standing person, where no depth image tells the scale."""
    vertical_fov_deg: float = DEFAULT_VERTICAL_FOV_DEG
    """Assumed vertical field of view of a frame without a camera."""
    clean: bool = True
    """Whether floating crumbs and hidden cavities are removed."""
    precision: str = "auto"
    """Of the networks: "float32", "float16", "bfloat16", or what suits the device."""
    lowest_resolution: int = 64
    """Where memory is short, the resolution is lowered by halves, but not below this."""
    color: str = "photo"
    """What the vertices' colours show; one of the system's ``colors``."""
    albedo_weights: str | Path | None = None
    """Weights of phorhum for the color "photo+albedo"; None: those that the package ships."""
    face_relief: bool = True
    """Whether a face that the photo shows is given its relief, see stages/face_relief.py; the
    published network has faces of its own, which stay as they are."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: a value makes no sense.
        """
        if self.max_people < 1:
            raise ValueError(f"max_people is at least 1, not {self.max_people}")
        if not (math.isfinite(self.stature_m) and 0.2 <= self.stature_m <= 3.0):
            raise ValueError(f"stature_m lies between 0.2 and 3 metres, not {self.stature_m}")
        if not 1 <= self.vertical_fov_deg <= 170:
            raise ValueError(
                f"vertical_fov_deg lies between 1 and 170 degrees, not {self.vertical_fov_deg}"
            )
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {self.precision!r}")
        if self.lowest_resolution < MIN_RESOLUTION:
            raise ValueError(
                f"lowest_resolution is at least {MIN_RESOLUTION}, not {self.lowest_resolution}"
            )


class Reconstructor(Protocol):
    """A system that turns a frame into the people in it.

    It does one call at a time; make one for each thread that works at the same time. Only
    ``detect``, ``encode`` and ``extract`` may run at once, each in one thread, for frames that
    follow each other: ``extract(encode(frame, detect(frame)))`` is ``infer(frame)`` in steps.
    """

    name: str
    """What users and RECONSTRUCTORS call it."""
    colors: tuple[str, ...]
    """What the vertices' colours can show, the default first: "photo" (the colours of the photo,
    light and all, and a plain guess where it does not show the surface), "photo+albedo" (there
    phorhum's albedo, lit as in the photo), "albedo" (everywhere, without the light) or "shaded"
    (the albedo lit as in the photo)."""

    @classmethod
    def from_pretrained(
        cls,
        weights: str | Path | None = None,
        device: str | torch.device = "auto",
        *,
        resolution: int = 256,
        max_people: int = 1,
        stature_m: float = DEFAULT_STATURE_M,
        vertical_fov_deg: float = DEFAULT_VERTICAL_FOV_DEG,
        clean: bool = True,
        precision: str = "auto",
        lowest_resolution: int = 64,
        color: str = "auto",
        albedo_weights: str | Path | None = None,
        face_relief: bool = True,
        threads: int | None = None,
    ) -> Reconstructor:
        """Load a network and everything else, once for many frames.

        Args:
            weights: a weights file; None for the weights that the package ships.
            device: "auto" (CUDA where there is any), "cpu", "cuda" or "cuda:1".
            resolution: see ReconstructionSettings, as for the next six.
            max_people: as above.
            stature_m: as above.
            vertical_fov_deg: as above.
            clean: as above.
            precision: as above.
            lowest_resolution: as above.
            color: "auto" or one of ``colors``.
            albedo_weights: see ReconstructionSettings, as for the next one.
            face_relief: as above.
            threads: CPU threads of torch, for the whole process; None leaves them as they are.

        Raises:
            WeightsError: the file is missing, damaged or of another network.
            DeviceError: the device does not exist here.
            SurfaceError: the resolution is unusable.
            ValueError: another setting is out of range.
        """

    def detect(self, frame: Frame) -> list[PersonDetection]:
        """The people in a frame, the most prominent first; for ``select_frame``."""

    def infer(self, frame: Frame, on_progress: OnProgress | None = None) -> list[Reconstruction]:
        """Reconstruct the people in a frame, the most prominent first.

        Args:
            frame: with its camera and depth where known.
            on_progress: called as the work goes on; what it raises ends the work and passes
                through.

        Returns:
            At least one person, in metres in the camera's optical frame.

        Raises:
            NoPersonError: no one is in the frame.
            SurfaceError: the network found no usable shape.
            DeviceError: the device's memory is too small.
        """

    def encode(
        self,
        frame: Frame,
        people: Sequence[PersonDetection],
        on_progress: OnProgress | None = None,
    ) -> Any:
        """Run the image networks on the people of a frame.

        Args:
            frame: as for ``infer``.
            people: what ``detect`` has found in it.
            on_progress: as for ``infer``.

        Returns:
            What ``extract`` of the same system takes; it holds the features of everybody.

        Raises:
            NoPersonError: ``people`` is empty.
            DeviceError: the device's memory is too small.
        """

    def extract(self, encoded: Any, on_progress: OnProgress | None = None) -> list[Reconstruction]:
        """Find, colour and place the surfaces of the people that were encoded.

        Raises:
            SurfaceError: the network found no usable shape.
            DeviceError: the device's memory is too small.
        """

    def close(self) -> None:
        """Free what is held; the reconstructor is of no use afterwards."""
