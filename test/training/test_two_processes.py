"""Two processes that share a batch out have the gradients of one that has all of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tiny import CONFIG, STAGE, TINY, Balls

from pifuhd_ros.training.devices import make_fabric
from pifuhd_ros.training.pieces import pieces_in_order
from pifuhd_ros.training.trainer import Trainer, new_network

# DDP adds up the pieces in another order: a few units in the last place of float32.
_TOLERANCE = 1e-6


def _gradients(fabric: Any, folder: Path) -> None:
    """Writes the gradients of the first step, and trains three steps."""
    torch.set_num_threads(1)
    stage = replace(STAGE, batch=4, pieces=4, steps=3)
    trainer = Trainer(fabric, new_network(TINY, 0), CONFIG, stage, Balls(), Balls(), folder)
    numbers = trainer._own_pieces(0)
    with pieces_in_order(trainer._train, numbers, fabric.device, 0, 0) as pieces:
        trainer.backward(pieces)
    if fabric.is_global_zero:
        torch.save([p.grad for p in trainer.network.parameters()], folder / "gradients.pt")
    trainer.network.zero_grad()
    trainer.run(deadline_s=1e12)


def test_two_processes_have_the_gradients_of_one(fabric: Any, tmp_path: Path) -> None:
    _gradients(fabric, tmp_path / "one")
    two = make_fabric("cpu", devices=2, strategy="ddp_spawn")
    two.launch(_gradients, tmp_path / "two")
    one, other = (torch.load(tmp_path / name / "gradients.pt") for name in ("one", "two"))
    assert len(one) == len(other) > 10
    for a, b in zip(one, other, strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=_TOLERANCE)
    # One process wrote one checkpoint, and any number can go on from it.
    network = new_network(TINY, 0)
    trainer = Trainer(
        fabric, network, CONFIG, replace(STAGE, steps=3), Balls(), Balls(), tmp_path / "two"
    )
    assert trainer.resume()
    assert trainer.step == 3
