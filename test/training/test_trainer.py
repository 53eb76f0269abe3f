"""Training: it learns, and it goes on exactly where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import CONFIG, STAGE, TINY, Balls

from pifuhd_ros.networks.weights import load_network
from pifuhd_ros.training.config import StageConfig, TrainingConfig
from pifuhd_ros.training.losses import compute_losses, run_levels, slope_error
from pifuhd_ros.training.pieces import PieceMaker
from pifuhd_ros.training.trainer import Trainer, new_network, rate_share
from pifuhd_ros.types import ConfigError, WeightsError


def _trainer(
    fabric: Any, folder: Path, stage: StageConfig = STAGE, config: TrainingConfig = CONFIG
) -> Trainer:
    network = new_network(TINY, 0)
    return Trainer(fabric, network, config, stage, Balls(), Balls(), folder)


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("ahead", [0, 2])
def test_ten_and_ten_steps_are_twenty(fabric: Any, tmp_path: Path, ahead: int) -> None:
    config = replace(CONFIG, ahead=ahead)
    whole = _trainer(fabric, tmp_path / "whole")
    assert whole.run()

    def stop_after_ten(stage: str, fraction: float) -> None:
        if parts.step > 10:
            raise StoppedError

    parts = _trainer(fabric, tmp_path / "parts", config=config)
    with pytest.raises(StoppedError):
        parts.run(on_progress=stop_after_ten)
    parts = _trainer(fabric, tmp_path / "parts", config=config)
    assert parts.resume()
    assert parts.step == 10
    assert parts.run()
    for one, other in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(whole.average.parameters(), parts.average.parameters(), strict=True):
        assert torch.equal(one, other)
    assert parts.validate() == whole.validate()


def test_when_the_time_is_up_it_saves_and_stops(fabric: Any, tmp_path: Path) -> None:
    stage = replace(STAGE, steps=5)
    whole = _trainer(fabric, tmp_path / "whole", stage)
    whole.run()
    parts = _trainer(fabric, tmp_path / "parts", stage)
    sessions = 0
    while not parts.is_done:
        done = parts.run(deadline_s=0.0)  # long past: one step
        assert done == parts.is_done
        sessions += 1
        parts = _trainer(fabric, tmp_path / "parts", stage)
        assert parts.resume()
    assert sessions == 5
    for one, other in zip(whole.average.parameters(), parts.average.parameters(), strict=True):
        assert torch.equal(one, other)


def test_it_learns_balls_and_writes_weights_and_a_log(fabric: Any, tmp_path: Path) -> None:
    trainer = _trainer(fabric, tmp_path, replace(STAGE, steps=120, validate_every=60))
    before = trainer.validate()
    trainer.run()
    after = trainer.validate()
    assert after.front_deg < 0.5 * before.front_deg
    assert after.depth_error < 0.5 * before.depth_error
    assert after.coarse_accuracy > 0.85
    assert after.fine_accuracy > 0.85
    assert load_network(tmp_path / "weights.safetensors").config == TINY
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(entry["step"], entry["views"]) for entry in log] == [(60, 120), (120, 240)]


def test_only_the_named_levels_learn(fabric: Any, tmp_path: Path) -> None:
    trainer = _trainer(fabric, tmp_path, replace(STAGE, levels=("coarse",), steps=3))
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.run()
    changed = {k for k, v in trainer.network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(k.startswith(("netG.image_filter", "netG.mlp")) for k in changed)


def test_pieces_add_up_to_the_batch(fabric: Any, tmp_path: Path) -> None:
    """One piece after the other gives the mean of what each gives alone."""
    stage = replace(STAGE, pieces=2)
    together = _trainer(fabric, tmp_path / "a", stage)
    maker = PieceMaker(Balls(), 0, "all/train", 1, STAGE.points, TINY.fine_size, TINY.coarse_size)
    together.backward(iter([maker(0), maker(1)]))
    alone = []
    for number in (0, 1):
        trainer = _trainer(fabric, tmp_path / "b", replace(STAGE, batch=1))
        trainer.backward(iter([maker(number)]))
        alone.append([p.grad for p in trainer.network.parameters()])
    for both, one, other in zip(together.network.parameters(), *alone, strict=True):
        assert torch.allclose(both.grad, (one + other) / 2, atol=1e-6)


def test_bfloat16_learns_too(tmp_path: Path) -> None:
    from pifuhd_ros.training.devices import make_fabric

    config = replace(CONFIG, precision="bf16-mixed")
    stage = replace(STAGE, steps=40, validate_every=40)
    trainer = _trainer(make_fabric("cpu", precision="bf16-mixed"), tmp_path, stage, config)
    before = trainer.validate()
    trainer.run()
    assert trainer.validate().front_deg < 0.8 * before.front_deg
    assert all(p.dtype == torch.float32 for p in trainer.network.parameters())


def test_another_runs_checkpoint_is_refused(fabric: Any, tmp_path: Path) -> None:
    _trainer(fabric, tmp_path).save()
    with pytest.raises(WeightsError, match="normals, coarse, fine"):
        _trainer(fabric, tmp_path, replace(STAGE, levels=("fine",))).resume()


def test_another_networks_checkpoint_is_refused(fabric: Any, tmp_path: Path) -> None:
    _trainer(fabric, tmp_path).save()
    wider = replace(TINY, fine_mlp=replace(TINY.fine_mlp, channels=(24, 20, 1)))
    network = new_network(wider, 0)
    trainer = Trainer(fabric, network, CONFIG, STAGE, Balls(), Balls(), tmp_path)
    with pytest.raises(WeightsError, match="other sizes"):
        trainer.resume()


def test_a_batch_that_cannot_be_shared_out_is_an_error(fabric: Any, tmp_path: Path) -> None:
    class Three:
        world_size = 3

    with pytest.raises(ConfigError, match="3 processes"):
        Trainer(Three(), new_network(TINY, 0), CONFIG, STAGE, Balls(), Balls(), tmp_path)  # type: ignore[arg-type]


def test_levels_do_not_teach_each_other() -> None:
    network = new_network(TINY, 0)
    maker = PieceMaker(Balls(), 0, "all", 2, 100, TINY.fine_size, TINY.coarse_size)
    batch = maker(0)
    levels = ("normals", "coarse", "fine")
    terms = compute_losses(run_levels(network, batch, levels), batch, levels)
    terms["fine"].backward()
    assert all(p.grad is None for p in network.netG.parameters())
    assert all(p.grad is not None for p in network.mlp.parameters())


def test_points_are_asked_around_the_true_depth() -> None:
    """With the truth put in, the estimate of depth no longer matters to the occupancy."""
    maker = PieceMaker(Balls(), 0, "all", 1, 100, TINY.fine_size, TINY.coarse_size)
    batch = maker(0)
    network = new_network(TINY, 0)
    last = network.netG.image_filter.head

    def logits(true_depth: bool) -> torch.Tensor:
        outputs = run_levels(network, batch, ("coarse",), true_depth)
        assert outputs.coarse is not None
        return outputs.coarse.detach()

    known, estimated = logits(True), logits(False)
    assert last.bias is not None
    with torch.no_grad():
        last.bias.add_(0.3)
    inside = batch.inside > 0.5
    assert not torch.allclose(logits(False)[inside], estimated[inside], atol=1e-3)
    moved = (logits(True) - known).abs()[inside].mean()
    assert moved < (logits(False) - estimated).abs()[inside].mean()


def test_slopes_are_measured_apart_from_the_level() -> None:
    batch = PieceMaker(Balls(), 0, "all", 2, 10, TINY.fine_size, TINY.coarse_size)(0)
    stride = 4
    true = torch.nn.functional.avg_pool2d(batch.depth, stride)
    size = true.shape[-1]
    assert float(slope_error(true + 0.3, batch)) == pytest.approx(
        float(slope_error(true, batch)), abs=1e-5
    )
    tilted = true + 0.4 * torch.linspace(-1 + 1 / size, 1 - 1 / size, size)
    added = float(slope_error(tilted, batch) - slope_error(true, batch))
    # The slope along x changed by 0.4, the one along y did not; at the outline they differ anyway.
    assert 0.1 < added < 0.25


def test_balanced_sides_count_alike() -> None:
    """Nine points outside and one inside weigh the same; a constant is best at one half."""
    inside = torch.tensor([[1.0] + [0.0] * 9])
    maker = PieceMaker(Balls(), 0, "all", 1, 10, TINY.fine_size, TINY.coarse_size)
    batch = replace(maker(0), inside=inside)
    network = new_network(TINY, 0)
    outputs = run_levels(network, batch, ("coarse",))
    slopes = []
    for balance in (False, True):
        level = torch.zeros((), requires_grad=True)
        constant = replace(outputs, coarse=level.expand(1, 10))
        compute_losses(constant, batch, ("coarse",), balance)["coarse"].backward()
        assert level.grad is not None
        slopes.append(float(level.grad))
    assert slopes[0] == pytest.approx(0.4)
    assert slopes[1] == pytest.approx(0.0, abs=1e-6)


def test_learning_rate_rises_then_falls_to_zero() -> None:
    stage = replace(STAGE, steps=100, warmup_steps=10)
    rates = [rate_share(stage, step) for step in range(101)]
    assert rates[0] < rates[5] < rates[9]
    assert max(rates) == pytest.approx(1.0, abs=0.05)
    assert rates[100] == pytest.approx(0.0, abs=1e-9)
