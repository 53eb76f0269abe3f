"""Detections beside shards: what was written is what training sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.dataset import Shard, shard_path, write_shard
from pifuhd_ros.synthetic.detected_views import (
    detections_path,
    read_detections,
    write_detections,
)
from pifuhd_ros.synthetic.detector_joints import detect_joints, skeletons
from pifuhd_ros.synthetic.samples import SamplingConfig
from pifuhd_ros.synthetic.synthesis import SynthesisConfig, person_maker, synthesize
from pifuhd_ros.synthetic.wardrobe import Wardrobe


@pytest.fixture(scope="module")
def shard_file(
    wardrobe: Wardrobe, body: BodyModel, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    config = SynthesisConfig(64, 2, SamplingConfig(points=64))
    path = shard_path(tmp_path_factory.mktemp("shards"), 0)
    write_shard(path, synthesize(person_maker(wardrobe, body, "train"), (3,), config), {})
    return path


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_nobody_has_looked_at_a_new_shard(shard_file: Path) -> None:
    assert read_detections(shard_file) == {}
    assert Shard(shard_file).read(0, 0).detected is None


def test_training_sees_what_the_detector_saw(shard_file: Path) -> None:
    points, joints = torch.rand(33, 4), torch.rand(19, 4)
    write_detections(shard_file, {"0/0/points": points, "0/0/joints": joints})
    assert detections_path(shard_file).name == "detections-00000.safetensors"
    assert torch.equal(read_detections(shard_file)["0/0/points"], points)
    shard = Shard(shard_file)
    views = [shard.read(0, 0), shard.read(0, 1)]
    seen = skeletons(views, seeded())
    assert torch.equal(seen[0], joints)
    # At the second view nobody has looked: it is imitated, as if the first were, too.
    imitated = detect_joints(torch.stack([view.joints for view in views]), seeded())
    assert torch.equal(seen[1], imitated[1])
    nobody = replace(views[0], detected=torch.zeros(19, 4))
    assert not skeletons([nobody], seeded()).any()
