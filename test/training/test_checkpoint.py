"""Checkpoints: small files, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pifuhd_ros.networks.pifuhd import LITE
from pifuhd_ros.training.checkpoint import read_checkpoint, write_checkpoint
from pifuhd_ros.types import WeightsError


def _state() -> dict[str, Any]:
    return {"step": 3, "tensors": {"a": torch.arange(5000.0), "b": torch.ones(2, 2)}}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 3, _state(), part_bytes=3000)
    parts = list((tmp_path / "step-00000003").glob("part-*"))
    assert len(parts) > 6
    assert max(part.stat().st_size for part in parts) == 3000
    state = read_checkpoint(tmp_path)
    assert state is not None
    assert state["step"] == 3
    assert torch.equal(state["tensors"]["a"], torch.arange(5000.0))


def test_the_newest_stays_alone(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 9, _state())
    write_checkpoint(tmp_path, 10, {**_state(), "step": 10})
    (tmp_path / "step-00000011.partial").mkdir()
    assert not (tmp_path / "step-00000009").exists()
    state = read_checkpoint(tmp_path)
    assert state is not None
    assert state["step"] == 10


def test_there_may_be_none(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path / "nowhere") is None


def test_damaged_and_missing_parts_are_named(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 3, _state(), part_bytes=3000)
    part = tmp_path / "step-00000003" / "part-002.bin"
    content = part.read_bytes()
    part.write_bytes(content[:-1] + b"?")
    with pytest.raises(WeightsError, match=r"part-002\.bin is damaged"):
        read_checkpoint(tmp_path)
    part.unlink()
    with pytest.raises(WeightsError, match="incomplete"):
        read_checkpoint(tmp_path)


def test_a_stage_of_the_lite_network_travels_in_files_of_16_mb(fabric: Any, tmp_path: Path) -> None:
    from tiny import Balls

    from pifuhd_ros.training.configs.lite_gpu import CONFIG
    from pifuhd_ros.training.trainer import Trainer, new_network

    stage = CONFIG.stages[1]
    trainer = Trainer(fabric, new_network(LITE, 0), CONFIG, stage, Balls(), Balls(), tmp_path)
    for parameter in trainer.network.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    for optimizer in trainer._optimizers:
        optimizer.step()
    trainer.save()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    sizes = [file.stat().st_size for file in files]
    assert max(sizes) <= 16_000_000
    assert sum(sizes) <= 64 * 2**20
    assert len(files) <= 8
