"""Continuous capture: frame after frame, its steps overlapped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pifuhd_ros.reconstructors.table import Reconstructor
from pifuhd_ros.ros.capture_outputs import CaptureOutputs
from pifuhd_ros.ros.frame_source import FrameSource, Shot
from pifuhd_ros.ros.frames import frame_from_shot
from pifuhd_ros.ros.parameters import CaptureParameters
from pifuhd_ros.ros.pipeline import CHECK_PERIOD_S, Pipeline, Step
from pifuhd_ros.ros.stream_meter import StreamMeter, StreamStatus
from pifuhd_ros.types import Frame


@dataclass(frozen=True)
class _Passing:
    """A frame on its way."""

    frame: Frame
    notices: tuple[str, ...]
    arrived_s: float
    content: Any
    """What the last step made of it."""


class CaptureStream:
    """Captures one frame after another for as long as it is switched on; off at first.

    It always takes the newest frame, and drops and counts those that it has no time for. A frame
    that fails is counted and told; the next one has another chance.
    """

    def __init__(
        self,
        source: FrameSource,
        reconstructor: Reconstructor,
        outputs: CaptureOutputs,
        *,
        read_parameters: Callable[[], CaptureParameters],
        now_ns: Callable[[], int],
        describe: Callable[[Exception], str],
    ) -> None:
        """Put everything together.

        Args:
            source: Where the images come from.
            reconstructor: Its steps are called from several threads, each from one.
            outputs: Where the results go.
            read_parameters: Returns the present values.
            now_ns: The clock of the images' stamps.
            describe: Logs what a frame failed of, and says it in a sentence.
        """
        self._source = source
        self._reconstructor = reconstructor
        self._outputs = outputs
        self._read_parameters = read_parameters
        self._now_ns = now_ns
        self._describe = describe
        self._meter = StreamMeter()
        self._switch = threading.Lock()
        self._is_on = False
        self._pipeline = Pipeline(
            self._next_shot,
            [
                Step("detect", self._detect),
                Step("networks", self._encode),
                Step("surface", self._extract),
                Step("publish", self._publish),
            ],
            period_s=lambda: read_parameters().period_s,
            on_drop=self._meter.count_dropped,
            on_failure=lambda error: self._meter.count_failed(describe(error)),
        )

    def switch(self, is_on: bool) -> None:
        """Start or stop taking frames; those on the way are finished."""
        with self._switch:
            if is_on == self._is_on:
                return
            self._is_on = is_on
            if is_on:
                self._source.follow(on_drop=self._meter.count_dropped)
                self._pipeline.release()
            else:
                self._pipeline.hold()
                self._source.unfollow()

    def close(self) -> None:
        """Stop at once and end all threads; the stream is of no use afterwards."""
        self._pipeline.stop()
        self._source.unfollow()

    @contextmanager
    def paused(self, check: Callable[[], None]) -> Iterator[None]:
        """Keep the stream off the reconstructor, from when the frames on the way are finished.

        Args:
            check: Called again and again while that is waited for; what it raises passes through.
        """
        self._pipeline.hold()
        try:
            self._pipeline.wait_until_idle(check)
            yield
        finally:
            self._pipeline.release()

    def status(self) -> StreamStatus:
        """How it goes."""
        return self._meter.status(is_on=self._is_on, steps_s=self._pipeline.mean_s)

    def _next_shot(self) -> Shot | None:
        return self._source.newest(patience_s=CHECK_PERIOD_S, check=self._pipeline.check)

    def _detect(self, shot: Shot) -> _Passing:
        frame, notices = frame_from_shot(shot)
        return _Passing(frame, notices, shot.arrived_s, self._reconstructor.detect(frame))

    def _encode(self, passing: _Passing) -> _Passing:
        people = self._reconstructor.encode(passing.frame, passing.content, self._report)
        return replace(passing, content=people)

    def _extract(self, passing: _Passing) -> _Passing:
        people = [
            replace(person, notices=(*passing.notices, *person.notices))
            for person in self._reconstructor.extract(passing.content, self._report)
        ]
        return replace(passing, content=people)

    def _publish(self, passing: _Passing) -> None:
        self._outputs.publish(
            passing.frame, passing.content, self._read_parameters(), only_heard=True
        )
        self._meter.count_published(
            latency_s=(self._now_ns() - passing.frame.stamp_ns) * 1e-9,
            since_arrival_s=time.monotonic() - passing.arrived_s,
        )

    def _report(self, stage: str, progress: float) -> None:
        self._pipeline.check()
