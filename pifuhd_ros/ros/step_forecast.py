"""When the steps of a pipeline will be free, by how long they took before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_NEWS = 0.3
"""Weight of the last item in a step's mean time."""
_EARLY = 1.2
"""Items begin earlier than the mean times ask for by this factor, so that the slowest step does
not run dry when another one takes longer than usual."""
_OVERRUN = 1.25
"""What has taken longer than usual already is taken to need this part more of it."""


@dataclass
class StepState:
    """What is known of one step."""

    since_s: float | None = None
    """When the item that it works on was begun, or None where it is free."""
    is_awaited: bool = False
    """Whether an item waits for it."""
    mean_s: float = 0.0
    """What it takes, the last items counting most."""

    def count(self, spent_s: float) -> None:
        """Note what an item took."""
        self.mean_s = self.mean_s + _NEWS * (spent_s - self.mean_s) if self.mean_s else spent_s


def delay_s(steps: Sequence[StepState], earliest_s: float, now_s: float) -> float:
    """How long to wait before an item begins, so that it finds each step free.

    Args:
        steps: In their order; the first one is free.
        earliest_s: When it may begin at all.
        now_s: On the clock of ``earliest_s`` and ``StepState.since_s``.
    """
    begin_s, lead_s = earliest_s, 0.0
    for free_s, step in zip(_free_s(steps, now_s), steps, strict=True):
        begin_s = max(begin_s, free_s - _EARLY * lead_s)
        lead_s += step.mean_s
    return begin_s - now_s


def _free_s(steps: Sequence[StepState], now_s: float) -> list[float]:
    """When each step will have done all that is on its way to it, by the mean times."""
    free_s = [now_s] * len(steps)
    for index in reversed(range(len(steps))):
        step = steps[index]
        ends_s = []
        if step.since_s is not None:
            ends_s.append(step.since_s + max(step.mean_s, _OVERRUN * (now_s - step.since_s)))
        if step.is_awaited:
            ends_s.append(max([free_s[index], *ends_s]) + step.mean_s)
        for end_s in ends_s:
            free_s[index] = arrival_s = end_s
            for later in range(index + 1, len(steps)):
                arrival_s = max(arrival_s, free_s[later]) + steps[later].mean_s
                free_s[later] = arrival_s
    return free_s
