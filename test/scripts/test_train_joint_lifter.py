from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pifuhd_ros.geometry.skeleton import mirrored

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def scripts_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")


def turned(joints: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """About the vertical."""
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    x, y, z = joints.unbind(2)
    return torch.stack([cos * x + sin * z, y, cos * z - sin * x], 2)


def test_one_pose_is_in_one_fold_from_all_sides_and_in_the_mirror() -> None:
    from train_joint_lifter import FOLDS, POSES, pose_folds

    torch.manual_seed(0)
    poses = torch.randn(2 * POSES, 19, 3)
    angle = 6.28 * torch.rand(len(poses))
    views = torch.cat([poses, turned(poses, angle), turned(mirrored(poses), angle)])
    folds = pose_folds(views).view(3, -1)
    assert torch.equal(folds[0], folds[1])
    assert torch.equal(folds[0], folds[2])
    assert len(folds.unique()) == FOLDS
