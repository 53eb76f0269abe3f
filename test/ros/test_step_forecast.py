"""When the next item begins, in a simulated pipeline: no clock, no threads."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from pifuhd_ros.ros.step_forecast import StepState, delay_s


@dataclass
class Simulation:
    """Items go through steps as in the pipeline, each with room for one before it."""

    durations_s: Callable[[int], Sequence[float]]
    """What item n takes in each step."""
    begun_s: list[float] = field(default_factory=list)
    ended_s: dict[int, float] = field(default_factory=dict)

    def run(self, count: int) -> None:
        """Go on until so many items have come out."""
        steps = [StepState() for _ in self.durations_s(0)]
        inside: list[tuple[int, float]] = [(-1, float("inf"))] * len(steps)
        waiting = [-1] * len(steps)
        now_s = 0.0

        def begin(index: int, item: int) -> None:
            steps[index].since_s = now_s
            inside[index] = (item, now_s + self.durations_s(item)[index])

        while len(self.ended_s) < count:
            ends = min((end_s, index) for index, (_, end_s) in enumerate(inside))
            wait_s = delay_s(steps, 0.0, now_s) if steps[0].since_s is None else float("inf")
            # As the pipeline does, it looks anew at least every 50 ms.
            if wait_s > 0 and now_s + min(wait_s, 0.05) < ends[0]:
                now_s += min(wait_s, 0.05)
            elif wait_s <= 0:
                begin(0, len(self.begun_s))
                self.begun_s.append(now_s)
            else:
                now_s, index = ends
                item = inside[index][0]
                inside[index] = (-1, float("inf"))
                steps[index].since_s = None
                steps[index].count(self.durations_s(item)[index])
                if index + 1 == len(steps):
                    self.ended_s[item] = now_s
                else:
                    waiting[index + 1] = item
                for later, state in enumerate(steps):
                    state.is_awaited = waiting[later] >= 0
                    if state.is_awaited and state.since_s is None:
                        begin(later, waiting[later])
                        waiting[later], state.is_awaited = -1, False

    @property
    def ages_s(self) -> list[float]:
        """How long each item took from its begin, but the first ones, when nothing is known."""
        return [end_s - self.begun_s[item] for item, end_s in self.ended_s.items()][5:]


STEPS_S = [(0.005, 0.005, 0.08), (0.08, 0.005, 0.005), (0.005, 0.08, 0.02), (0.02, 0.02, 0.02)]


@pytest.mark.parametrize("seconds", STEPS_S, ids=str)
def test_items_do_not_wait_for_a_step_while_the_slowest_one_is_hardly_ever_idle(
    seconds: tuple[float, ...],
) -> None:
    it = Simulation(lambda item: seconds)
    it.run(50)
    assert max(it.ages_s) < 1.25 * sum(seconds)
    items, ended_s = zip(*it.ended_s.items(), strict=True)
    # Before the times are known, some are dropped.
    assert items[-1] - items[4] == 45
    assert ended_s[-1] - ended_s[4] < 1.15 * 45 * max(seconds)


def test_times_that_vary_cost_little() -> None:
    varying = [[random.Random(7 * item + s).uniform(0.5, 1.5) for s in range(3)]
               for item in range(400)]  # fmt: skip
    it = Simulation(lambda item: [0.02 * v for v in varying[item]])
    it.run(200)
    assert statistics.median(it.ages_s) < 1.5 * 0.06
    assert len(it.begun_s) < 1.1 * len(it.ended_s)


def test_step_that_takes_longer_than_ever_keeps_the_next_item_back() -> None:
    steps = [StepState(mean_s=0.1), StepState(mean_s=0.1, since_s=0.0)]
    assert delay_s(steps, 0.0, 0.05) <= 0
    assert delay_s(steps, 0.0, 10.0) > 1
    assert delay_s([StepState(), StepState()], 3.0, 1.0) == 2.0


def test_mean_follows_the_last_items() -> None:
    state = StepState()
    state.count(1.0)
    assert state.mean_s == 1.0
    for _ in range(20):
        state.count(2.0)
    assert 1.99 < state.mean_s < 2.0
