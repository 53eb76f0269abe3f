"""A run: its stages in order, in as many sessions as it takes."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import CONFIG, STAGE, TINY, Balls

from pifuhd_ros.networks.weights import load_network, save_weights
from pifuhd_ros.training.run import RunSummary, train
from pifuhd_ros.training.trainer import new_network
from pifuhd_ros.types import WeightsError

_STAGES = (
    replace(STAGE, name="normals", levels=("normals",), steps=6),
    replace(STAGE, name="coarse", levels=("coarse",), steps=6),
    replace(STAGE, name="fine", levels=("fine",), steps=6),
)
_CONFIG = replace(CONFIG, stages=_STAGES)


def _train(fabric: Any, folder: Path, minutes: float = math.inf, **options: Any) -> RunSummary:
    return train(_CONFIG, Balls(), Balls(), folder, fabric, minutes=minutes, **options)


def test_sessions_add_up_to_a_run(
    fabric: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fractions: list[float] = []
    whole = _train(fabric, tmp_path / "whole", on_progress=lambda _, done: fractions.append(done))
    assert whole.is_done
    assert [(s.name, s.steps, s.views_seen) for s in whole.stages] == [
        ("normals", 6, 12),
        ("coarse", 6, 12),
        ("fine", 6, 12),
    ]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)

    # A second goes by from each look at the clock to the next, and each step looks twice.
    clock_s = (float(second) for second in itertools.count())
    monkeypatch.setattr("pifuhd_ros.training.run.time.monotonic", clock_s.__next__)
    sessions, summary = 0, None
    while summary is None or not summary.is_done:
        summary = _train(fabric, tmp_path / "parts", minutes=8 / 60)
        sessions += 1
        assert sessions < 40
    assert sessions > 2
    one, other = (load_network(tmp_path / n / "weights.safetensors") for n in ("whole", "parts"))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_run_that_is_done_stays_as_it_is(fabric: Any, tmp_path: Path) -> None:
    _train(fabric, tmp_path)
    before = (tmp_path / "weights.safetensors").read_bytes()
    assert _train(fabric, tmp_path).is_done
    assert (tmp_path / "weights.safetensors").read_bytes() == before


def test_a_run_starts_from_given_weights(fabric: Any, tmp_path: Path) -> None:
    given = tmp_path / "given.safetensors"
    save_weights(given, new_network(TINY, 5))
    summary = _train(fabric, tmp_path / "run", minutes=0.0, init=given)
    assert not summary.is_done
    assert summary.stages[0].steps == 1
    fine = load_network(tmp_path / "run" / "weights.safetensors").mlp
    for a, b in zip(fine.parameters(), load_network(given).mlp.parameters(), strict=True):
        assert torch.equal(a, b)


def test_weights_of_another_network_are_refused(fabric: Any, tmp_path: Path) -> None:
    given = tmp_path / "given.safetensors"
    save_weights(given, new_network(replace(TINY, depth_scale=2.0), 0))
    with pytest.raises(WeightsError, match="other sizes"):
        _train(fabric, tmp_path / "run", init=given)
