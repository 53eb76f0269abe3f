"""The published architecture learns, on images of a sixteenth of its size for a small CPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny import Balls

from pifuhd_ros.networks.pifuhd import PUBLISHED, PifuhdNetwork
from pifuhd_ros.training.config import Level
from pifuhd_ros.training.losses import LevelLosses
from pifuhd_ros.training.pieces import PieceMaker
from pifuhd_ros.training.pifuhd import freeze
from pifuhd_ros.training.trainer import new_network

_SMALL = replace(PUBLISHED, fine_size=64, coarse_size=32)


@pytest.fixture(scope="module")
def network() -> PifuhdNetwork:
    return new_network(_SMALL, 0)


@pytest.mark.parametrize(("level", "rate"), [("normals", 0.05), ("coarse", 0.01), ("fine", 0.5)])
def test_steps_lower_the_loss_of_one_batch(
    network: PifuhdNetwork, level: Level, rate: float
) -> None:
    freeze(network, (level,))
    losses = LevelLosses(network, (level,), balance_sides=True)
    batch = PieceMaker(Balls(), 0, "all", 2, 500, 64, 32)(0)
    # Plain steps: Adam's moments of 365 million parameters would not fit.
    learning = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=rate, foreach=False)
    course = []
    for _ in range(3):
        loss = torch.stack(list(losses(**vars(batch)).values())).sum()
        course.append(float(loss.detach()))
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0, foreach=False)
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    assert course[-1] < 0.95 * course[0], course
