"""Measures the stages of one capture."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class StageClock:
    """Seconds of each stage, in the order they first ran."""

    def __init__(self) -> None:
        """Start without a stage."""
        self.timings_s: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a block, also where it raises."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            self.add({name: time.perf_counter() - start_s})

    def add(self, timings_s: Mapping[str, float]) -> None:
        """Add what somebody else has measured; a name that is there already grows."""
        for name, seconds in timings_s.items():
            self.timings_s[name] = self.timings_s.get(name, 0.0) + seconds
