"""Joints as the detector and the joint lifter see them: how they erred on people alike.

``lifted_joints.safetensors`` holds, in steps of 1/8192 model unit, the true joints (N, 19, 3) of
generated people and those that a lifter found that had not learned from them, made by
scripts/train_joint_lifter.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file

from pifuhd_ros.body.model import load_body
from pifuhd_ros.geometry.skeleton import JOINTS, mirrored
from pifuhd_ros.synthetic.dataset import ViewSample

BANK_FILE = Path(__file__).with_name("lifted_joints.safetensors")
BANK_STEP = 1 / 8192
MISSED = 0.05
"""Share of people whose joints are not given: the detector found no pose, or there is none."""
_ALIKE = 8
"""An error is that of one of so many people whose true joints are most alike."""
_HIPS = [JOINTS.index("left_hip"), JOINTS.index("right_hip")]


@dataclass(frozen=True)
class _Bank:
    """Measured people, each also in the mirror."""

    true: torch.Tensor
    """(N, 19, 3), from the middle of the hips."""
    error: torch.Tensor
    """(N, 19, 3) lifted minus true."""


@lru_cache(maxsize=1)
def skeleton_rows() -> list[int]:
    """Which of the body's joints are those of geometry/skeleton.py, in its order."""
    names = load_body().joint_names
    return [names.index(name) for name in JOINTS]


@lru_cache(maxsize=1)
def _bank() -> _Bank:
    held = {name: rows.float() * BANK_STEP for name, rows in load_file(str(BANK_FILE)).items()}
    true = from_hips(held["true"])
    error = held["lifted"] - held["true"]
    # z counts from the hips in what is lifted, and so it does in what is true.
    error[..., 2] = held["lifted"][..., 2] - true[..., 2]
    return _Bank(torch.cat([true, mirrored(true)]).flatten(1), torch.cat([error, mirrored(error)]))


def from_hips(joints: torch.Tensor) -> torch.Tensor:
    """Joints (..., 19, 3) from the middle of their hips."""
    return joints - joints[..., _HIPS, :].mean(-2, keepdim=True)


def skeletons(views: Sequence[ViewSample], generator: torch.Generator) -> torch.Tensor:
    """Skeletons (B, 19, 4) of views as the detector saw them, or might have where none has looked.

    What it saw is better to learn from: it errs where the image is hard to read.
    """
    imitated = detect_joints(torch.stack([view.joints for view in views]), generator)
    rows = [
        guess if view.detected is None else view.detected.to(guess)
        for view, guess in zip(views, imitated, strict=True)
    ]
    return torch.stack(rows)


def detect_joints(true: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Skeletons (B, 19, 4), see geometry/skeleton.py, as the detector might see them.

    Args:
        true: (B, J, 3) joints of the body, model space; NaN where they are not known.
        generator: Of everything random.
    """
    bank = _bank()
    true = true[:, skeleton_rows()]
    own = from_hips(true.cpu().float())
    is_known = own.isfinite().flatten(1).all(1)
    distance = torch.cdist(own.nan_to_num().flatten(1), bank.true)
    alike = distance.topk(min(_ALIKE, len(bank.true)), largest=False).indices
    chosen = torch.randint(alike.shape[1], (len(own), 1), generator=generator)
    error = bank.error[alike.gather(1, chosen)[:, 0]]
    is_known &= torch.rand(len(own), generator=generator) >= MISSED
    seen = torch.cat([true[..., :2].cpu(), own[..., 2:]], -1) + error
    joints = torch.cat([seen.nan_to_num(), torch.ones(len(own), len(JOINTS), 1)], -1)
    return (joints * is_known[:, None, None]).to(true.device)
