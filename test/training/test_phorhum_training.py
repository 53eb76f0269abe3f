"""PHORHUM learns: every loss falls, and a run goes on exactly where it stopped."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import CONFIG, STAGE
from tiny import Balls as BareBalls
from tiny_phorhum import PHORHUM_CONFIG, PHORHUM_STAGE, TINY_PHORHUM, PaintedBalls

from pifuhd_ros.networks.weights import load_phorhum
from pifuhd_ros.synthetic.frame_edges import FrameEdges
from pifuhd_ros.training import phorhum_batches
from pifuhd_ros.training.config import PhorhumStageConfig, TrainingConfig
from pifuhd_ros.training.optimizers import optimizers_for
from pifuhd_ros.training.phorhum import PhorhumLearner
from pifuhd_ros.training.phorhum_batches import PhorhumBatch
from pifuhd_ros.training.phorhum_losses import (
    PhorhumLosses,
    surface_samples,
    with_true_depths,
)
from pifuhd_ros.training.phorhum_pictures import SIZE as PICTURE_PX
from pifuhd_ros.training.phorhum_pictures import draw_phorhum
from pifuhd_ros.training.run import train
from pifuhd_ros.training.trainer import Trainer, new_network
from pifuhd_ros.types import AssetError

_TERMS = {
    *("surface", "normal", "label", "eikonal", "albedo", "near_albedo", "distance", "shaded"),
    *("light", "painted", "constancy"),
    *("depth", "silhouette", "rendered_albedo", "rendered_shaded", "patch"),
}
_RENDERED = {"rendered_albedo", "rendered_shaded", "patch"}


def _batch(count: int = 2, stage: PhorhumStageConfig = PHORHUM_STAGE) -> PhorhumBatch:
    made = PhorhumLearner().pieces(PHORHUM_CONFIG, stage, PaintedBalls(), "train", count)(0)
    assert isinstance(made, PhorhumBatch)
    return made


def _trainer(fabric: Any, folder: Path, stage: PhorhumStageConfig = PHORHUM_STAGE) -> Trainer:
    network = new_network(TINY_PHORHUM, 0)
    balls = PaintedBalls()
    return Trainer(fabric, network, PHORHUM_CONFIG, stage, balls, balls, folder)


def _edges(monkeypatch: pytest.MonkeyPatch, bottom: float) -> None:
    """Photos that end there below and nowhere else."""

    def edges(count: int, generator: object, device: torch.device) -> FrameEdges:
        far = torch.full((count,), 2.0)
        return FrameEdges(-far, far, torch.full((count,), bottom))

    monkeypatch.setattr(phorhum_batches, "sample_frame_edges", edges)


def test_every_loss_falls() -> None:
    """On the same people. What is rendered is compared with its worst: first, no ray hits."""
    network, batch = new_network(TINY_PHORHUM, 0), _batch(2)
    losses = PhorhumLosses(network, PHORHUM_STAGE)
    optimizers = optimizers_for(dict(network.named_parameters()), PHORHUM_STAGE)
    first: dict[str, float] = {}
    for _ in range(50):
        terms = losses(**vars(batch))
        for name, value in terms.items():
            known = first.setdefault(name, float(value.detach()))
            if name in _RENDERED:
                first[name] = max(known, float(value.detach()))
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    last = {name: float(value.detach()) for name, value in losses(**vars(batch)).items()}
    assert set(first) == set(last) == _TERMS
    assert not {name: (first[name], last[name]) for name in _TERMS if last[name] >= first[name]}
    # Zero would mean that no ray hits.
    assert not {name for name in _RENDERED if last[name] <= 0}


def test_a_run_learns_and_says_so(
    fabric: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _edges(monkeypatch, -2.0)
    stage = replace(PHORHUM_STAGE, steps=60, validate_every=60)
    trainer = _trainer(fabric, tmp_path, stage)
    before = trainer.validate()
    trainer.run()
    after = trainer.validate()
    assert after.accuracy > 0.85
    assert after.normal_deg < 0.7 * before.normal_deg
    assert after.surface_error < 0.7 * before.surface_error
    assert after.albedo_back < 0.7 * before.albedo_back
    assert load_phorhum(tmp_path / "weights.safetensors").config == TINY_PHORHUM
    [entry] = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert entry["views"] == 120
    assert not math.isnan(entry["depth_error"])


def test_ten_and_ten_steps_are_twenty(fabric: Any, tmp_path: Path) -> None:
    def run(folder: Path, minutes: float = math.inf) -> bool:
        balls = PaintedBalls()
        return train(PHORHUM_CONFIG, balls, balls, folder, fabric, minutes=minutes).is_done

    assert run(tmp_path / "whole")
    sessions = 0
    while not run(tmp_path / "parts", minutes=0.0):
        sessions += 1
    assert sessions > 2
    whole, parts = (load_phorhum(tmp_path / n / "weights.safetensors") for n in ("whole", "parts"))
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(one, other)


def test_only_the_named_levels_learn(fabric: Any, tmp_path: Path) -> None:
    trainer = _trainer(fabric, tmp_path, replace(PHORHUM_STAGE, levels=("light",), steps=2))
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.run()
    after = trainer.network.state_dict()
    changed = {k.split(".")[0] for k, v in after.items() if not torch.equal(v, before[k])}
    assert changed == {"light", "shading"}


def test_a_loss_of_weight_zero_is_left_out() -> None:
    stage = replace(
        PHORHUM_STAGE, patches=0, depth_weight=0.0, distance_weight=0.0, constancy_weight=0.0
    )
    terms = PhorhumLosses(new_network(TINY_PHORHUM, 0), stage)(**vars(_batch(stage=stage)))
    rendered = {"silhouette", "rendered_albedo", "rendered_shaded", "patch"}
    assert set(terms) == _TERMS - rendered - {"depth", "distance", "constancy"}
    doubled = replace(stage, albedo_weight=2 * stage.albedo_weight)
    again = PhorhumLosses(new_network(TINY_PHORHUM, 0), doubled)(**vars(_batch(stage=stage)))
    assert torch.allclose(again["albedo"], 2 * terms["albedo"])


def test_surface_samples_lie_on_the_ball() -> None:
    network = new_network(TINY_PHORHUM, 0)
    on = surface_samples(network, replace(_batch(), inverse_distance=torch.zeros(2)))
    radius = on.points.norm(dim=-1)
    assert float(radius.std(1).max()) < 0.02
    straight = (on.normals * torch.nn.functional.normalize(on.points, dim=-1)).sum(-1)
    assert float(straight.mean()) > 0.99
    count = on.photo.shape[1]
    assert torch.allclose(on.albedo[:, :count, 0], torch.tensor(0.9), atol=1e-3)
    assert torch.allclose(on.albedo[:, count:, 2], torch.tensor(0.8), atol=1e-3)


def test_only_views_that_know_their_depth_have_it_put_in() -> None:
    network = new_network(TINY_PHORHUM, 0)
    batch = replace(_batch(), knows_depth=torch.tensor([True, False]))
    features = network.encode(batch.image)
    asked = with_true_depths(network, features, batch)
    assert torch.equal(asked.maps[1], features.maps[1])
    middle = asked.maps[0, :2, 16, 16] / TINY_PHORHUM.depth_scale
    assert torch.allclose(middle, batch.depth[0, :, 32, 32], atol=0.02)
    assert torch.equal(asked.maps[0, 2:], features.maps[0, 2:])


def test_pieces_depend_on_their_number_alone_and_can_be_sent_away() -> None:
    maker = PhorhumLearner().pieces(PHORHUM_CONFIG, PHORHUM_STAGE, PaintedBalls(), "train", 2)
    one, other = maker(3), pickle.loads(pickle.dumps(maker))(3)
    for name, value in vars(one).items():
        assert torch.equal(value, getattr(other, name)), name
    assert not torch.equal(one.image, maker(4).image)


def test_a_second_photo_shows_the_same_in_another_light() -> None:
    batch = _batch(4)
    person = batch.mask > 0.99
    change = (batch.relit - batch.image).abs()
    assert float((change * person).mean((1, 2, 3)).min()) > 0
    assert not torch.allclose(batch.relit_ball, batch.ball, atol=0.05)
    alone = _batch(4, replace(PHORHUM_STAGE, constancy_weight=0.0))
    assert torch.equal(alone.image[:, :, 32, 32].argmax(1), batch.image[:, :, 32, 32].argmax(1))
    assert alone.relit.numel() == alone.relit_ball.numel() == 0


def test_what_stays_the_same_in_another_light_costs_nothing() -> None:
    batch = _batch()
    losses = PhorhumLosses(new_network(TINY_PHORHUM, 0), PHORHUM_STAGE)
    same = replace(batch, relit=batch.image, relit_ball=batch.ball)
    assert float(losses(**vars(same))["constancy"].detach()) == 0
    assert float(losses(**vars(batch))["constancy"].detach()) > 0


def test_beyond_the_photos_edge_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _edges(monkeypatch, -2.0)
    whole = _batch(4)
    _edges(monkeypatch, 0.0)
    batch = _batch(4)
    half = batch.mask.shape[-1] // 2
    for name, nothing in (("image", -1), ("mask", 0), ("normals", 0), ("albedo", 0)):
        maps = getattr(batch, name)
        assert bool((maps[:, :, half:] == nothing).all()), name
        assert bool((maps[:, :, :half] != nothing).any()), name
    assert bool((batch.pixels // batch.mask.shape[-1] < half).all())
    below = batch.points[..., 1] < 0
    assert torch.equal(batch.points, whole.points)
    assert not batch.inside[below].any()
    assert torch.equal(batch.inside[~below], whole.inside[~below])
    # Signs agree with the labels, and no distance shrinks where the person was cut away.
    assert torch.equal(batch.distance < 0, whole.distance.lt(0) & ~below)
    assert bool((batch.distance >= whole.distance).all())


def test_pictures_show_front_and_back() -> None:
    pictures = draw_phorhum(new_network(TINY_PHORHUM, 0), _batch(3))
    assert pictures["albedo"].shape == (3, 3 * PICTURE_PX, 6 * PICTURE_PX)
    assert pictures["normals"].shape == (3, 3 * PICTURE_PX, 4 * PICTURE_PX)
    assert all(p.min() >= 0 and p.max() <= 1 for p in pictures.values())
    half = PICTURE_PX // 2
    assert pictures["albedo"][2, half, 5 * PICTURE_PX + half] == pytest.approx(0.8, abs=0.01)


def test_views_without_a_back_are_refused() -> None:
    bare = PhorhumLearner().pieces(PHORHUM_CONFIG, PHORHUM_STAGE, _Bare(), "train", 1)
    with pytest.raises(AssetError, match="albedo of their backs"):
        bare(0)


class _Bare(BareBalls):
    def draw(self, *args: Any, with_body: bool = False) -> Any:
        return super().draw(*args)


def test_stages_belong_to_their_network() -> None:
    with pytest.raises(ValueError, match="is a PhorhumStageConfig"):
        TrainingConfig(network=TINY_PHORHUM, stages=(STAGE,))
    with pytest.raises(ValueError, match="is a StageConfig"):
        replace(CONFIG, stages=(PHORHUM_STAGE,))
    with pytest.raises(ValueError, match="levels are some of field, light"):
        replace(PHORHUM_STAGE, levels=("coarse",))
    with pytest.raises(ValueError, match="shares"):
        replace(PHORHUM_STAGE, eikonal_share=0.0)
