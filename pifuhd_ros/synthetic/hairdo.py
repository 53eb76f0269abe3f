"""More hair than the assets have: theirs with another volume and length."""

from __future__ import annotations

from dataclasses import replace

from pifuhd_ros.synthetic.headwear import Head
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.worn import Worn

_LOW_M, _HIGH_M = 0.002, 0.012
"""Hair less than the first off the head stays there; from the second on it moves in full."""
_MOST_M = 0.07
"""No hair is moved farther off the head."""


def restyle(hair: Worn, head: Head, dice: Dice) -> Worn:
    """The same style, flatter or fuller, more so on one side, and shorter or longer.

    Args:
        hair: In rest space, with the caps' apexes.
        head: Of whom it grows on.
        dice: The person's random numbers.
    """
    fuller, lift_m = 2 ** dice.uniform(-0.8, 1.0), dice.uniform(0.0, 0.022)
    longer = 2 ** dice.uniform(-0.8, 0.6)
    lean = 0.5 * dice.normal(3).clamp(-2, 2)
    direction, distance = head.polar(hair.vertices)
    room = distance - head.reach(direction, head.whole)[:, None]
    share = ((room - _LOW_M) / (_HIGH_M - _LOW_M)).clamp(0, 1)
    uneven = (1 + 0.3 * direction @ lean.to(direction)[:, None]).clamp(min=0.3)
    rise = (room * (fuller - 1) + lift_m * uneven).clamp(max=_MOST_M)
    vertices = hair.vertices + direction * rise * share
    # What falls below the neck's upper end becomes shorter or longer.
    below = (head.rest[head.neck, 1].amax() - vertices[:, 1]).clamp(min=0)
    vertices[:, 1] += below * (1 - longer)
    return replace(hair, vertices=vertices)
