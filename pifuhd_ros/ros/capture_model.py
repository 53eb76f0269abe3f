"""The reconstructor of the node, and the one thread for captures on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pifuhd_ros.reconstructors.table import Reconstructor
from pifuhd_ros.ros.failures import free_memory
from pifuhd_ros.ros.parameters import CaptureParameters, ParameterError
from pifuhd_ros.ros.shipped_photo import shipped_photo
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.types import NoPersonError, SurfaceError

Result = TypeVar("Result")


class CaptureModel:
    """Loads, runs and frees a reconstructor in a single worker thread.

    One thread, because torch and OpenMP keep a pool of threads for every thread that calls them.
    Continuous capture has threads of its own, and rests while this one works.
    """

    def __init__(self, reconstructors: Mapping[str, type[Reconstructor]]) -> None:
        """Start without a model; ``reconstructors`` are the systems to choose from."""
        self._reconstructors = reconstructors
        self._reconstructor: Reconstructor | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="capture")

    def load(self, parameters: CaptureParameters) -> str | None:
        """Load and warm up the system that the parameters name.

        Returns:
            What was odd about it, in a sentence, or None.

        Raises:
            WeightsError: The weights are missing, damaged, or do not fit.
            DeviceError: The device does not exist here or has too little memory.
            SurfaceError: The resolution is unusable.
            ParameterError: The system does not have such colours.
        """
        return self._worker.submit(self._load, parameters).result()

    @property
    def reconstructor(self) -> Reconstructor:
        """The loaded reconstructor, for continuous capture.

        Raises:
            RuntimeError: None is loaded.
        """
        if self._reconstructor is None:
            raise RuntimeError("there is no reconstructor before load()")
        return self._reconstructor

    def run(self, work: Callable[[Reconstructor], Result]) -> Result:
        """Return what ``work`` makes of the loaded reconstructor; raises what it raises."""
        return self._worker.submit(work, self.reconstructor).result()

    def unload(self) -> None:
        """Free the model and its GPU memory; nothing happens where none is loaded."""
        reconstructor, self._reconstructor = self._reconstructor, None
        if reconstructor is not None:
            self._worker.submit(reconstructor.close).result()
        del reconstructor
        free_memory()

    def close(self) -> None:
        """Unload and end the worker thread."""
        self.unload()
        self._worker.shutdown(wait=True)

    def _load(self, parameters: CaptureParameters) -> str | None:
        system = self._reconstructors[parameters.system]
        if parameters.color not in ("auto", *system.colors):
            raise ParameterError(
                f"color must be auto or one of {', '.join(system.colors)} for the system "
                f"{parameters.system}, not '{parameters.color}'"
            )
        reconstructor = system.from_pretrained(
            weights=parameters.weights or None,
            device=parameters.device,
            resolution=parameters.resolution,
            max_people=parameters.max_people,
            stature_m=parameters.stature_m,
            precision=parameters.precision,
            lowest_resolution=parameters.lowest_resolution,
            color=parameters.color,
            albedo_weights=parameters.albedo_weights or None,
            face_relief=parameters.face_relief,
            threads=parameters.threads or None,
        )
        self._reconstructor = reconstructor
        return _warm_up(reconstructor) if parameters.warm_up else None


def _warm_up(reconstructor: Reconstructor) -> str | None:
    with shipped_photo() as photo:
        frame = read_frame(photo)
    try:
        reconstructor.infer(frame)
    except (NoPersonError, SurfaceError) as error:
        # The networks have run, which is what counts here; other weights may see other people.
        return f"these weights find nobody in the shipped photo: {error}"
    return None
