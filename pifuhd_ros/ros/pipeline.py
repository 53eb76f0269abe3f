"""Work in steps that overlap: each step has a thread, and room for one item before it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pifuhd_ros.types import CaptureCancelled

CHECK_PERIOD_S = 0.05
"""How often somebody who waits for the pipeline looks whether to go on waiting."""
_NEWS = 0.3
"""Weight of the last item in a step's mean time."""
_EARLY = 1.2
"""Items begin earlier than the mean times ask for by this factor, so that the slowest step does
not run dry when another one takes longer than usual."""
_OVERRUN = 1.25
"""What has taken longer than usual already is taken to need this part more of it."""


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
    ) -> None:
        """Start the threads; nothing begins before ``release``.

        Args:
            feed: Returns the newest item for the first step, or None where none comes soon.
            steps: In their order; what the last one returns is of no interest.
            period_s: Shortest time from one item to the next.
            on_drop: Called for every item that a newer one has replaced.
            on_failure: Called with what a step has raised; its item goes no further.
        """
        self._feed = feed
        self._steps = tuple(steps)
        self._period_s = period_s
        self._on_drop = on_drop
        self._on_failure = on_failure
        self._changed = threading.Condition()
        self._waiting: list[Any] = [None] * len(steps)
        self._since_s: list[float | None] = [None] * len(steps)
        self._mean_s = [0.0] * len(steps)
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
        return {step.name: mean for step, mean in zip(self._steps, self._mean_s, strict=True)}

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
        return any(since is not None for since in self._since_s) or any(
            item is not None for item in self._waiting
        )

    def _serve(self, index: int) -> None:
        take = self._take_first if index == 0 else self._take
        while not self._is_stopped:
            item = take(index)
            if item is not None:
                self._work(index, item)

    def _take_first(self, index: int) -> Any:
        with self._changed:
            delay_s = self._delay_s() if self._holds == 0 else CHECK_PERIOD_S
            if delay_s > 0:
                # Any step that ends changes the forecast.
                self._changed.wait(min(delay_s, CHECK_PERIOD_S))
                return None
            self._since_s[index] = time.monotonic()
        item = None
        try:
            item = self._feed()
        except Exception as error:
            self._fail(error)
        with self._changed:
            now_s = time.monotonic()
            self._since_s[index] = None if item is None else now_s
            self._begun_s = self._begun_s if item is None else now_s
            self._changed.notify_all()
        return item

    def _take(self, index: int) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped or self._waiting[index] is not None)
            item, self._waiting[index] = self._waiting[index], None
            self._since_s[index] = None if item is None else time.monotonic()
            return item

    def _work(self, index: int, item: Any) -> None:
        begun_s = time.monotonic()
        result = None
        try:
            self.check()
            result = self._steps[index].run(item)
            spent_s = time.monotonic() - begun_s
        except Exception as error:
            self._fail(error)
            spent_s = self._mean_s[index]
        is_replaced = False
        with self._changed:
            self._since_s[index] = None
            mean_s = self._mean_s[index]
            self._mean_s[index] = mean_s + _NEWS * (spent_s - mean_s) if mean_s else spent_s
            if result is not None and index + 1 < len(self._steps):
                is_replaced = self._waiting[index + 1] is not None
                self._waiting[index + 1] = result
            self._changed.notify_all()
        if is_replaced:
            self._on_drop()

    def _fail(self, error: Exception) -> None:
        """The boundary of one item: the next one has another chance."""
        if not self._is_stopped:
            self._on_failure(error)

    def _delay_s(self) -> float:
        """How long to wait before an item begins."""
        now_s = time.monotonic()
        begin_s = self._begun_s + self._period_s()
        lead_s = 0.0
        for free_s, mean_s in zip(self._free_s(now_s), self._mean_s, strict=True):
            begin_s = max(begin_s, free_s - _EARLY * lead_s)
            lead_s += mean_s
        return begin_s - now_s

    def _free_s(self, now_s: float) -> list[float]:
        """When each step will have done all that is on its way to it, by the mean times."""
        free_s = [now_s] * len(self._steps)
        for index in reversed(range(len(self._steps))):
            since_s, mean_s = self._since_s[index], self._mean_s[index]
            ends_s = []
            if since_s is not None:
                ends_s.append(since_s + max(mean_s, _OVERRUN * (now_s - since_s)))
            if self._waiting[index] is not None:
                ends_s.append(max([free_s[index], *ends_s]) + mean_s)
            for end_s in ends_s:
                free_s[index] = arrival_s = end_s
                for later in range(index + 1, len(self._steps)):
                    arrival_s = max(arrival_s, free_s[later]) + self._mean_s[later]
                    free_s[later] = arrival_s
        return free_s
