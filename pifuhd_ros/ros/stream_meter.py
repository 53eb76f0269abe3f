"""Counts and times of the frames of a stream."""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

WINDOW_S = 5.0
"""Rate and latency are those of the frames of so many last seconds."""


@dataclass(frozen=True)
class StreamStatus:
    """Continuous capture at one moment."""

    is_on: bool = False
    published: int = 0
    """Frames whose people went out."""
    dropped: int = 0
    """Frames for which a newer one was taken, at the camera or on the way."""
    failed: int = 0
    """Frames of which nothing could be made."""
    problem: str = ""
    """Why the last frame failed, or "" where it did not."""
    rate_hz: float = 0.0
    """Frames published a second."""
    latency_s: float = 0.0
    """From the stamp of the image to the publication; median. Camera and node need one clock."""
    worst_latency_s: float = 0.0
    since_arrival_s: float = 0.0
    """From the arrival of the image in the node to the publication; median."""
    steps_s: Mapping[str, float] = field(default_factory=dict)
    """Mean seconds of each step; they overlap."""


class StreamMeter:
    """Is told what becomes of each frame."""

    def __init__(self) -> None:
        """Start at zero."""
        self._lock = threading.Lock()
        self._published = self._dropped = self._failed = 0
        self._problem = ""
        self._last: deque[tuple[float, float, float]] = deque(maxlen=1000)

    def count_published(self, *, latency_s: float, since_arrival_s: float) -> None:
        """Note a frame that went out just now."""
        with self._lock:
            self._published += 1
            self._problem = ""
            self._last.append((time.monotonic(), latency_s, since_arrival_s))

    def count_dropped(self) -> None:
        """Note a frame for which a newer one was taken."""
        with self._lock:
            self._dropped += 1

    def count_failed(self, problem: str) -> None:
        """Note a frame of which nothing could be made, and why."""
        with self._lock:
            self._failed += 1
            self._problem = problem

    def status(self, *, is_on: bool, steps_s: Mapping[str, float]) -> StreamStatus:
        """Sum up."""
        with self._lock:
            since_s = time.monotonic() - WINDOW_S
            last = [entry for entry in self._last if entry[0] > since_s]
            moments, latencies_s, ages_s = ([e[i] for e in last] for i in range(3))
            span_s = moments[-1] - moments[0] if last else 0.0
            return StreamStatus(
                is_on=is_on,
                published=self._published,
                dropped=self._dropped,
                failed=self._failed,
                problem=self._problem,
                rate_hz=(len(last) - 1) / span_s if span_s > 0 else 0.0,
                latency_s=statistics.median(latencies_s) if last else 0.0,
                worst_latency_s=max(latencies_s) if last else 0.0,
                since_arrival_s=statistics.median(ages_s) if last else 0.0,
                steps_s=steps_s,
            )
