"""The whole evaluation: people, inputs and systems, over one process or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, TypeVar

from pifuhd_ros.evaluation.evaluate import (
    Case,
    PersonOutcome,
    measure_lights,
    measure_system,
)
from pifuhd_ros.evaluation.failure import Failure
from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.held_out import PHOTO_PX, HeldOutPeople
from pifuhd_ros.evaluation.inputs import GivenInput, InputKind, give_input
from pifuhd_ros.evaluation.light_scores import LightScores
from pifuhd_ros.evaluation.scores import SOLID_SAMPLES, SURFACE_SAMPLES
from pifuhd_ros.evaluation.systems import (
    InflatedSilhouette,
    MeanBody,
    PhorhumSystem,
    PifuhdSystem,
    System,
)
from pifuhd_ros.reconstructors.phorhum import PhorhumReconstructor
from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor
from pifuhd_ros.types import OnProgress

SystemName = Literal["pifuhd", "phorhum"]
"""Of a reconstruction system, as users call it."""


@dataclass(frozen=True)
class MeasurementConfig:
    """What is measured, on whom, and how finely."""

    assets: Path
    """Packed assets."""
    seed: int = 0
    """Of the first person."""
    input: InputKind = "detected"
    """What the systems are given."""
    photo_px: int = PHOTO_PX
    """Side of the photos."""
    surface_samples: int = SURFACE_SAMPLES
    """Points on each surface."""
    solid_samples: int = SOLID_SAMPLES
    """Points of the IoU."""
    system: SystemName = "pifuhd"
    """The one that is no baseline."""
    weights: Path | None = None
    """Of the system that is no baseline; None for those of the package."""
    device: str = "auto"
    """Where it runs."""
    resolution: int = 256
    """Cells of its grid along each axis."""
    threads: int = 1
    """CPU threads of each process."""
    with_baselines: bool = True
    """Measures the baselines too."""


class Measurement:
    """Holds everything loaded, and measures one person after another."""

    def __init__(self, config: MeasurementConfig) -> None:
        """Load people, detector and systems.

        Raises:
            PifuhdError: the weights, the device or the assets cannot be used.
        """
        self.config = config
        self.model: PifuhdReconstructor | PhorhumReconstructor
        self._system: PifuhdSystem | PhorhumSystem
        if config.system == "phorhum":
            phorhum = PhorhumReconstructor.from_pretrained(
                config.weights, config.device, resolution=config.resolution, threads=config.threads
            )
            self.model, self._system = phorhum, PhorhumSystem(phorhum)
        else:
            pifuhd = PifuhdReconstructor.from_pretrained(
                config.weights, config.device, resolution=config.resolution, threads=config.threads
            )
            self.model, self._system = pifuhd, PifuhdSystem(pifuhd)
        baselines = (MeanBody(), InflatedSilhouette()) if config.with_baselines else ()
        self.systems: tuple[System, ...] = (self._system, *baselines)
        self._people = HeldOutPeople.from_assets(
            config.assets, config.seed, config.photo_px, config.surface_samples
        )

    def measure(self, number: int) -> PersonOutcome:
        """Measure every system on one person."""
        truth, given = self._show(number)
        cases = [self._measure(system, truth, given) for system in self.systems]
        return PersonOutcome(
            given.record, tuple(case.scores if isinstance(case, Case) else case for case in cases)
        )

    @property
    def knows_albedo(self) -> bool:
        """Whether the system that is no baseline tells the albedo from the light."""
        return isinstance(self._system, PhorhumSystem)

    def measure_in_lights(self, number: int) -> LightScores | Failure:
        """Measure the system that is no baseline on one person in several lights."""
        return measure_lights(self._system, self._people.make_in_lights(number), self._give)

    def case(self, number: int) -> Case | Failure:
        """What the system that is no baseline makes of one person, for a picture."""
        return self._measure(self._system, *self._show(number))

    def close(self) -> None:
        """Free the detector."""
        self.model.close()

    def _show(self, number: int) -> tuple[GroundTruth, GivenInput]:
        truth = self._people.make(number)
        return truth, self._give(truth)

    def _give(self, truth: GroundTruth) -> GivenInput:
        return give_input(
            truth,
            self.config.input,
            self.model.detect,
            self._system.crop_size_px,
            self._system.framing,
        )

    def _measure(self, system: System, truth: GroundTruth, given: GivenInput) -> Case | Failure:
        return measure_system(
            system,
            truth,
            given,
            surface_samples=self.config.surface_samples,
            solid_samples=self.config.solid_samples,
        )


_Outcome = TypeVar("_Outcome")


def measure_people(
    measurement: Measurement, count: int, workers: int, on_progress: OnProgress
) -> list[PersonOutcome]:
    """Measure people, each by itself, so that the number of processes changes no figure.

    Args:
        measurement: of whom; used as it is for one worker, its config for more.
        count: how many people.
        workers: processes.
        on_progress: told how many are done.

    Returns:
        Their outcomes, in order.
    """
    return _measured(Measurement.measure, "people", measurement, count, workers, on_progress)


def measure_people_in_lights(
    measurement: Measurement, count: int, workers: int, on_progress: OnProgress
) -> list[LightScores | Failure]:
    """As ``measure_people``, each person in several lights, for a system that knows the albedo."""
    return _measured(
        Measurement.measure_in_lights,
        "people in lights",
        measurement,
        count,
        workers,
        on_progress,
    )


def _measured(
    measure: Callable[[Measurement, int], _Outcome],
    whom: str,
    measurement: Measurement,
    count: int,
    workers: int,
    on_progress: OnProgress,
) -> list[_Outcome]:
    outcomes: dict[int, _Outcome] = {}
    for number, outcome in _in_any_order(measure, measurement, count, workers):
        outcomes[number] = outcome
        on_progress(f"{len(outcomes)} of {count} {whom}", len(outcomes) / count)
    return [outcomes[number] for number in range(count)]


def _in_any_order(
    measure: Callable[[Measurement, int], _Outcome],
    measurement: Measurement,
    count: int,
    workers: int,
) -> Iterator[tuple[int, _Outcome]]:
    if workers == 1:
        for number in range(count):
            yield number, measure(measurement, number)
        return
    # Forked children would inherit mediapipe's and torch's threads, stuck.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        numbers = {
            pool.submit(_measure_in_worker, measure, measurement.config, number): number
            for number in range(count)
        }
        try:
            for future in as_completed(numbers):
                yield numbers[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _measure_in_worker(
    measure: Callable[[Measurement, int], _Outcome], config: MeasurementConfig, number: int
) -> _Outcome:
    return measure(_loaded(config), number)


@lru_cache(maxsize=1)
def _loaded(config: MeasurementConfig) -> Measurement:
    """A process loads once."""
    return Measurement(config)
