"""Work in steps that overlap: each step has a thread, and room for one item before it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pifuhd_ros.ros.step_forecast import StepState, delay_s
from pifuhd_ros.types import CaptureCancelled

CHECK_PERIOD_S = 0.05
"""How often somebody who waits for the pipeline looks whether to go on waiting."""


@dataclass(frozen=True)
class Step:
    """One step of the work."""

    name: str
    run: Callable[[Any], Any]
    """Makes an item for the next step of the one from the step before."""


class Pipeline:
    """Runs steps, each in a thread of its own, on item after item; the newest goes first.

    Nothing queues up: an item that is not taken before the next one comes is dropped for it. So
    that this is rare and no item grows old on the way, one begins only when, by the mean times of
    the steps, it would find each of them free. Items never overtake each other.
    """

    def __init__(
        self,
        feed: Callable[[], Any],
        steps: Sequence[Step],
        *,
        period_s: Callable[[], float],
        on_drop: Callable[[], None],
        on_failure: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the threads; nothing begins before ``release``.

        Args:
            feed: Returns the newest item for the first step, or None where none comes soon.
            steps: In their order; what the last one returns is of no interest.
            period_s: Shortest time from one item to the next.
            on_drop: Called for every item that a newer one has replaced; must not wait.
            on_failure: Called with what a step has raised; its item goes no further.
            clock: Seconds that never go back.
        """
        self._feed = feed
        self._steps = tuple(steps)
        self._period_s = period_s
        self._on_drop = on_drop
        self._on_failure = on_failure
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: list[Any] = [None] * len(steps)
        self._states = [StepState() for _ in steps]
        self._begun_s = float("-inf")
        self._holds = 1
        self._is_stopped = False
        self._threads = [
            threading.Thread(target=self._serve, args=(index,), name=f"stream {step.name}")
            for index, step in enumerate(steps)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def mean_s(self) -> dict[str, float]:
        """Seconds of each step, the last items counting most."""
        return {
            step.name: state.mean_s for step, state in zip(self._steps, self._states, strict=True)
        }

    def hold(self) -> None:
        """Begin no more items until ``release``; may be called more than once."""
        with self._changed:
            self._holds += 1

    def release(self) -> None:
        """Take one ``hold`` back."""
        with self._changed:
            self._holds -= 1
            self._changed.notify_all()

    def wait_until_idle(self, check: Callable[[], None]) -> None:
        """Wait until the items on the way have arrived; call it between hold and release.

        Args:
            check: Called again and again; what it raises ends the wait.
        """
        with self._changed:
            while self._is_at_work():
                check()
                self._changed.wait(CHECK_PERIOD_S)

    def check(self) -> None:
        """Go on with a step, or stop where the pipeline does.

        Raises:
            CaptureCancelled: The pipeline is being stopped.
        """
        if self._is_stopped:
            raise CaptureCancelled("the stream is being stopped")

    def stop(self) -> None:
        """End all threads; what is on the way is lost."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _is_at_work(self) -> bool:
        return any(state.since_s is not None or state.is_awaited for state in self._states)

    def _serve(self, index: int) -> None:
        take = self._take_first if index == 0 else self._take
        while not self._is_stopped:
            item = take(index)
            if item is not None:
                self._work(index, item)

    def _take_first(self, index: int) -> Any:
        with self._changed:
            wait_s = CHECK_PERIOD_S
            if self._holds == 0:
                earliest_s = self._begun_s + self._period_s()
                wait_s = delay_s(self._states, earliest_s, self._clock())
            if wait_s > 0:
                # Any step that ends changes the forecast.
                self._changed.wait(min(wait_s, CHECK_PERIOD_S))
                return None
            self._states[index].since_s = self._clock()
        item = None
        try:
            item = self._feed()
        except Exception as error:
            self._fail(error)
        with self._changed:
            now_s = self._clock()
            self._states[index].since_s = None if item is None else now_s
            self._begun_s = self._begun_s if item is None else now_s
            self._changed.notify_all()
        return item

    def _take(self, index: int) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped or self._waiting[index] is not None)
            item, self._waiting[index] = self._waiting[index], None
            self._states[index].is_awaited = False
            self._states[index].since_s = None if item is None else self._clock()
            return item

    def _work(self, index: int, item: Any) -> None:
        state = self._states[index]
        begun_s = self._clock()
        result = None
        try:
            self.check()
            result = self._steps[index].run(item)
            spent_s = self._clock() - begun_s
        except Exception as error:
            self._fail(error)
            spent_s = state.mean_s
        with self._changed:
            state.since_s = None
            state.count(spent_s)
            if result is not None and index + 1 < len(self._steps):
                if self._states[index + 1].is_awaited:
                    self._on_drop()
                self._waiting[index + 1] = result
                self._states[index + 1].is_awaited = True
            self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        """The boundary of one item: the next one has another chance."""
        if not self._is_stopped:
            self._on_failure(error)
