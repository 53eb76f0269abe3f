"""Training: it learns, and it goes on exactly where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pifuhd_ros.networks.pifuhd import PifuhdConfig
from pifuhd_ros.networks.point_mlp import PointMlpConfig
from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig
from pifuhd_ros.networks.weights import load_network
from pifuhd_ros.training.batches import Batch, People, make_batch
from pifuhd_ros.training.config import TrainingConfig
from pifuhd_ros.training.losses import compute_losses, run_levels
from pifuhd_ros.training.trainer import Trainer, learning_rate, new_network
from pifuhd_ros.types import AssetError, WeightsError

_SIZE = 64


def _unet(in_channels: int, out_channels: int, out_stride: int) -> ShuffleUNetConfig:
    return ShuffleUNetConfig(
        in_channels, out_channels, out_stride=out_stride, widths=(16, 16), blocks=(1, 1), groups=4
    )


_TINY = PifuhdConfig(
    name="tiny",
    fine_size=_SIZE,
    coarse_size=_SIZE // 2,
    normals=_unet(3, 6, 1),
    coarse_filter=_unet(9, 8, 4),
    fine_filter=_unet(9, 8, 2),
    coarse_mlp=PointMlpConfig(channels=(9, 32, 16, 1), skips=(1,), phi_layer=1),
    fine_mlp=PointMlpConfig(channels=(24, 16, 1), skips=()),
    depth_scale=4.0,
)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of balls: one of radius 0.4 to 0.6 in the middle of each view."""
    folder = tmp_path_factory.mktemp("people")
    generator = torch.Generator().manual_seed(0)
    grid = torch.linspace(-1, 1, _SIZE)
    y, x = torch.meshgrid(-grid, grid, indexing="ij")
    weights = 2 ** torch.arange(8, dtype=torch.uint8)
    for index in range(22):
        radius = 0.4 + 0.2 * float(torch.rand((), generator=generator))
        square = x**2 + y**2
        mask = square < radius**2
        z = (radius**2 - square).clamp(min=0).sqrt()
        front = torch.stack([x, y, z], -1)[mask] / radius
        back = front * torch.tensor([1.0, 1.0, -1.0])
        points = torch.rand(600, 3, generator=generator) * 1.6 - 0.8
        inside = points.norm(dim=1) < radius
        save_file(
            {
                "0/points": (points / 5e-5).round().to(torch.int16),
                "0/inside": inside.to(torch.uint8),
                "0/0/mask": (mask.view(-1, 8) * weights).sum(1, dtype=torch.uint8),
                "0/0/albedo": torch.full((int(mask.sum()), 3), 200, dtype=torch.uint8),
                "0/0/front": ((front + 1) / 2 * 255).round().to(torch.uint8),
                "0/0/back": ((back + 1) / 2 * 255).round().to(torch.uint8),
                "0/0/z": (torch.stack([z, -z], -1)[mask] * 16384).round().to(torch.int16),
                "0/0/rotation": torch.eye(3),
                "0/0/centre": torch.zeros(3),
                "0/0/scale": torch.tensor(1.0),
            },
            str(folder / f"shard-{index:05d}.safetensors"),
            metadata={"size_px": str(_SIZE), "views": "1", "people": "1"},
        )
    return folder


def _trainer(people: Path, folder: Path, config: TrainingConfig) -> Trainer:
    return Trainer(new_network(_TINY, 0), config, people, folder, torch.device("cpu"))


def _config(steps: int, every: int) -> TrainingConfig:
    return TrainingConfig(
        levels=("normals", "coarse", "fine"),
        steps=steps,
        batch=2,
        points=200,
        warmup_steps=5,
        learning_rate=3e-3,
        validate_every=every,
    )


def test_ten_and_ten_steps_are_twenty(people: Path, tmp_path: Path) -> None:
    whole = _trainer(people, tmp_path / "whole", _config(20, 20))
    whole.run()

    class StoppedError(Exception):
        pass

    def stop_after_ten(stage: str, fraction: float) -> None:
        if parts.step > 10:
            raise StoppedError

    parts = _trainer(people, tmp_path / "parts", _config(20, 10))
    with pytest.raises(StoppedError):
        parts.run(stop_after_ten)
    parts = _trainer(people, tmp_path / "parts", _config(20, 10))
    assert parts.resume()
    assert parts.step == 10
    parts.run()
    for one, other in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(whole.average.parameters(), parts.average.parameters(), strict=True):
        assert torch.equal(one, other)


def test_it_learns_balls_and_writes_weights_and_a_log(people: Path, tmp_path: Path) -> None:
    trainer = _trainer(people, tmp_path, _config(120, 60))
    before = trainer.validate()
    trainer.run()
    after = trainer.validate()
    assert after.front_deg < 0.5 * before.front_deg
    assert after.depth_error < 0.5 * before.depth_error
    assert after.coarse_accuracy > 0.85
    assert after.fine_accuracy > 0.85
    assert load_network(tmp_path / "weights.safetensors").config == _TINY
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [60, 120]


def test_only_the_named_levels_learn(people: Path, tmp_path: Path) -> None:
    config = TrainingConfig(levels=("coarse",), steps=3, batch=2, points=50, validate_every=3)
    trainer = _trainer(people, tmp_path, config)
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.run()
    changed = {k for k, v in trainer.network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(k.startswith(("netG.image_filter", "netG.mlp")) for k in changed)


def test_another_runs_checkpoint_is_refused(people: Path, tmp_path: Path) -> None:
    _trainer(people, tmp_path, _config(5, 5)).save()
    config = TrainingConfig(levels=("fine",), steps=5)
    with pytest.raises(WeightsError, match="normals, coarse, fine"):
        _trainer(people, tmp_path, config).resume()


def test_levels_do_not_teach_each_other(people: Path) -> None:
    network = new_network(_TINY, 0)
    batch = _batch(people)
    levels = ("normals", "coarse", "fine")
    losses = compute_losses(run_levels(network, batch, levels), batch, levels)
    assert losses.fine is not None
    losses.fine.backward()
    assert all(p.grad is None for p in network.netG.parameters())
    assert all(p.grad is not None for p in network.mlp.parameters())


def _batch(people: Path, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    views = People(people).draw(3, _SIZE, generator)
    return make_batch(views, _SIZE // 2, 100, generator)


def test_batches_depend_on_the_seed_alone(people: Path) -> None:
    one, two, other = _batch(people), _batch(people), _batch(people, seed=1)
    assert torch.equal(one.image, two.image)
    assert torch.equal(one.points, two.points)
    assert not torch.equal(one.image, other.image)


def test_batches_keep_truth_and_picture_aligned(people: Path) -> None:
    batch = _batch(people)
    assert batch.image.min() >= -1
    assert batch.image.max() <= 1
    assert batch.front.shape == (3, 3, _SIZE // 2, _SIZE // 2)
    # The ball's normals point away from its middle, mirrored or not.
    grid = torch.linspace(-1, 1, _SIZE // 2)
    right = (grid > 0.2).expand(_SIZE // 2, -1) & (batch.mask[:, 0] > 0.9)
    assert (batch.front[:, 0][right] > 0).all()
    assert (batch.back[:, 2][batch.mask[:, 0] > 0.9] <= 0).all()
    # Front and back are as deep as each other, deepest in the middle.
    assert torch.allclose(batch.depth[:, 0], -batch.depth[:, 1], atol=1e-3)
    middle = batch.depth[:, 0, _SIZE // 4, _SIZE // 4]
    assert ((middle > 0.35) & (middle < 0.62)).all()


def test_learning_rate_rises_then_falls_to_zero() -> None:
    config = TrainingConfig(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(config, step) for step in range(101)]
    assert rates[0] < rates[5] < rates[9]
    assert max(rates) == pytest.approx(1.0, abs=0.05)
    assert rates[100] == pytest.approx(0.0, abs=1e-9)


def test_unknown_levels_and_empty_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="levels"):
        TrainingConfig(levels=("depth",))  # type: ignore[arg-type]
    with pytest.raises(AssetError, match="pifuhd synthesize"):
        People(tmp_path)
