"""Steps that overlap, without a camera and without ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import pytest

from pifuhd_ros.ros.pipeline import Pipeline, Step
from pifuhd_ros.types import CaptureCancelled


class Line:
    """A pipeline whose steps sleep, fed with the numbers 0, 1, 2, … as fast as it takes them."""

    def __init__(self, seconds: Sequence[float], *, period_s: float = 0.0) -> None:
        self.begun_s: dict[int, float] = {}
        self.done: list[int] = []
        self.failures: list[str] = []
        self.most_on_the_way = 0
        self.dropped = 0
        self.running: set[str] = set()
        self.most_at_once = 0
        self.fails: Callable[[int], bool] = lambda number: False
        steps = [Step(f"step {i}", self._step(i, s)) for i, s in enumerate(seconds)]
        last = steps[-1]
        steps[-1] = Step(last.name, lambda number: self._finish(last.run(number)))
        self.pipeline = Pipeline(
            self._feed,
            steps,
            period_s=lambda: period_s,
            on_drop=self._drop,
            on_failure=lambda error: self.failures.append(str(error)),
        )

    def _feed(self) -> int:
        number = len(self.begun_s)
        self.begun_s[number] = time.monotonic()
        ended = len(self.done) + self.dropped + len(self.failures)
        self.most_on_the_way = max(self.most_on_the_way, number + 1 - ended)
        return number

    def _step(self, index: int, seconds: float) -> Callable[[int], int]:
        def run(number: int) -> int:
            self.running.add(f"step {index}")
            self.most_at_once = max(self.most_at_once, len(self.running))
            end_s = time.monotonic() + seconds
            while (left_s := end_s - time.monotonic()) > 0:
                self.pipeline.check()
                time.sleep(min(left_s, 0.01))
            self.running.discard(f"step {index}")
            if index == 1 and self.fails(number):
                raise ValueError(f"number {number} is bad")
            return number

        return run

    def _finish(self, number: int) -> None:
        self.done.append(number)

    def _drop(self) -> None:
        self.dropped += 1


@contextmanager
def line(*seconds: float, period_s: float = 0.0) -> Iterator[Line]:
    made = Line(seconds, period_s=period_s)
    try:
        yield made
    finally:
        made.pipeline.stop()


def wait_for(done: Callable[[], bool], timeout_s: float = 60.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < end_s, "it takes too long"
        time.sleep(0.005)


def test_steps_overlap() -> None:
    with line(0.02, 0.02, 0.02, 0.02) as it:
        it.pipeline.release()
        wait_for(lambda: it.most_at_once == 4)


@pytest.mark.parametrize(
    "seconds", [(0.005, 0.005, 0.08), (0.08, 0.005, 0.005), (0.005, 0.08, 0.02)], ids=str
)
def test_nothing_queues_up_and_nothing_overtakes(seconds: tuple[float, ...]) -> None:
    with line(*seconds) as it:
        it.pipeline.release()
        wait_for(lambda: len(it.done) >= 20)
    assert it.done == sorted(set(it.done))
    # One in each step and one before each but the first.
    assert it.most_on_the_way <= 5


def test_newest_item_wins_where_a_step_takes_longer_than_foreseen() -> None:
    """An item that waits is replaced by the next one and counted."""
    begun, gate = threading.Event(), threading.Event()
    numbers = iter(range(1_000_000))
    done: list[int] = []
    dropped: list[None] = []
    handed_on: list[int] = []

    def slow(number: int) -> None:
        begun.set()
        gate.wait(60)
        done.append(number)

    def hand_on(number: int) -> int:
        time.sleep(0.002)
        handed_on.append(number)
        return number

    pipeline = Pipeline(
        lambda: next(numbers),
        [Step("quick", hand_on), Step("slow", slow)],
        period_s=lambda: 0.0,
        on_drop=lambda: dropped.append(None),
        on_failure=lambda error: None,
        # By this clock no step ever takes long, so that the first one is never kept back.
        clock=lambda: 0.0,
    )
    try:
        pipeline.release()
        wait_for(begun.is_set)
        before = len(dropped)
        wait_for(lambda: len(dropped) >= before + 3)
        pipeline.hold()
        newest = handed_on[-1]
        gate.set()
        pipeline.wait_until_idle(lambda: None)
        assert done[0] < newest <= done[1]
        assert len(done) + len(dropped) == len(handed_on)
    finally:
        pipeline.stop()


def test_failed_item_costs_that_item_only() -> None:
    with line(0.002, 0.002, 0.002) as it:
        it.fails = lambda number: number % 3 == 1
        it.pipeline.release()
        wait_for(lambda: len(it.done) >= 20 and bool(it.failures))
    assert all(failure.endswith("is bad") for failure in it.failures)
    assert not [number for number in it.done if number % 3 == 1]


def test_feed_that_fails_is_told_and_asked_again() -> None:
    calls: list[None] = []
    failures: list[str] = []
    done: list[int] = []

    def feed() -> int:
        calls.append(None)
        if len(calls) == 1:
            raise RuntimeError("no camera")
        return len(calls)

    pipeline = Pipeline(
        feed,
        [Step("only", done.append)],
        period_s=lambda: 0.0,
        on_drop=lambda: None,
        on_failure=lambda error: failures.append(str(error)),
    )
    pipeline.release()
    wait_for(lambda: len(done) >= 2)
    pipeline.stop()
    assert failures == ["no camera"]


def test_period_is_kept() -> None:
    with line(0.001, period_s=0.1) as it:
        it.pipeline.release()
        wait_for(lambda: len(it.done) >= 5)
    begun_s = list(it.begun_s.values())
    assert min(b - a for a, b in pairwise(begun_s)) > 0.095


def test_held_pipeline_finishes_what_is_on_the_way_and_begins_nothing() -> None:
    with line(0.02, 0.02, 0.02) as it:
        time.sleep(0.05)
        assert not it.begun_s
        it.pipeline.release()
        wait_for(lambda: len(it.done) >= 3)
        it.pipeline.hold()
        it.pipeline.hold()
        it.pipeline.wait_until_idle(lambda: None)
        assert len(it.begun_s) == len(it.done) + it.dropped
        it.pipeline.release()
        begun = len(it.begun_s)
        time.sleep(0.1)
        assert (len(it.begun_s), it.running) == (begun, set())
        it.pipeline.release()
        wait_for(lambda: len(it.done) >= begun + 3)


def test_waiting_can_be_given_up() -> None:
    def give_up() -> None:
        raise CaptureCancelled("enough")

    with line(0.01, 1000.0) as it:
        it.pipeline.release()
        wait_for(lambda: "step 1" in it.running)
        it.pipeline.hold()
        with pytest.raises(CaptureCancelled, match="enough"):
            it.pipeline.wait_until_idle(give_up)


def test_stop_ends_every_thread_and_fails_nothing() -> None:
    """In the middle of what it does, not at its end."""
    with line(1000.0, 1000.0) as it:
        it.pipeline.release()
        wait_for(lambda: bool(it.running))
    assert not [t for t in threading.enumerate() if t.name in ("stream step 0", "stream step 1")]
    assert it.running == {"step 0"}
    assert (it.done, it.failures) == ([], [])
