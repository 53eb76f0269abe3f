"""More hair than the assets have: theirs with another volume and length."""

from __future__ import annotations

from dataclasses import replace

import torch

from pifuhd_ros.synthetic.headwear import Head
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.worn import Worn

_LOW_M, _HIGH_M = 0.002, 0.012
"""Hair at most so far off the head stays (brows of the style, its parting); beyond it rises."""
_MOST_M = 0.07
"""Farther than so no hair is pushed off the head."""


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
    away = hair.vertices - head.middle
    distance = away.norm(dim=1, keepdim=True)
    direction = away / distance.clamp(min=1e-6)
    room = distance - head.reach(direction, head.whole)[:, None]
    share = ((room - _LOW_M) / (_HIGH_M - _LOW_M)).clamp(0, 1)
    uneven = (1 + 0.3 * direction @ lean.to(direction)[:, None]).clamp(min=0.3)
    rise = (room * (fuller - 1) + lift_m * uneven).clamp(max=_MOST_M)
    vertices = hair.vertices + direction * rise * share
    # What hangs below the chin hangs shorter or longer.
    end = float(head.rest[head.neck, 1].amax())
    below = (end - vertices[:, 1]).clamp(min=0)
    drop = torch.stack([0 * below, below * (1 - longer), 0 * below], 1)
    return replace(hair, vertices=vertices + drop)
