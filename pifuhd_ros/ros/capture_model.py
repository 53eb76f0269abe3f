"""The reconstructor of the node and the one thread that touches it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from pifuhd_ros.reconstructors.table import Reconstructor
from pifuhd_ros.ros.parameters import CaptureParameters

Result = TypeVar("Result")


class CaptureModel:
    """Loads, runs and frees a reconstructor in a single worker thread.

    One thread, because torch and OpenMP keep a pool of threads for every thread that calls them.
    """

    def __init__(self, reconstructors: Mapping[str, type[Reconstructor]]) -> None:
        """Start without a model; ``reconstructors`` are the systems to choose from."""
        self._reconstructors = reconstructors
        self._reconstructor: Reconstructor | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="capture")

    def load(self, parameters: CaptureParameters) -> None:
        """Load and warm up the system that the parameters name.

        Raises:
            WeightsError: The weights are missing, damaged, or do not fit.
            DeviceError: The device does not exist here.
        """
        self._worker.submit(self._load, parameters).result()

    def run(self, work: Callable[[Reconstructor], Result]) -> Result:
        """Return what ``work`` makes of the loaded reconstructor; raises what it raises."""
        reconstructor = self._reconstructor
        if reconstructor is None:
            raise RuntimeError("run() without load()")
        return self._worker.submit(work, reconstructor).result()

    def unload(self) -> None:
        """Free the model and its GPU memory; nothing happens where none is loaded."""
        self._reconstructor = None
        gc.collect()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def close(self) -> None:
        """Unload and end the worker thread."""
        self.unload()
        self._worker.shutdown(wait=True)

    def _load(self, parameters: CaptureParameters) -> None:
        if parameters.threads > 0:
            torch.set_num_threads(parameters.threads)
        self._reconstructor = self._reconstructors[parameters.system].from_pretrained(
            weights=parameters.weights or None,
            device=parameters.device,
            resolution=parameters.resolution,
            stature_m=parameters.stature_m,
        )
