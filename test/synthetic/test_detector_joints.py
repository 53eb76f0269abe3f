from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from pifuhd_ros.geometry.skeleton import JOINTS, mirrored
from pifuhd_ros.synthetic.detector_joints import (
    BANK_FILE,
    BANK_STEP,
    MISSED,
    detect_joints,
    skeleton_rows,
)


@pytest.fixture(scope="module")
def bank() -> dict[str, torch.Tensor]:
    return {name: rows.float() * BANK_STEP for name, rows in load_file(str(BANK_FILE)).items()}


def of_body(joints: torch.Tensor) -> torch.Tensor:
    """Joints (B, 19, 3) among those of the body (B, 22, 3)."""
    all_joints = torch.zeros(len(joints), 22, 3)
    all_joints[:, skeleton_rows()] = joints
    return all_joints


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_errors_are_as_large_as_those_measured(bank: dict[str, torch.Tensor]) -> None:
    true = bank["true"]
    seen = detect_joints(of_body(true), seeded())
    known = seen[:, 0, 3] > 0
    hips = [JOINTS.index("left_hip"), JOINTS.index("right_hip")]
    depth = true[..., 2] - true[:, hips, 2].mean(1, keepdim=True)
    for name in ("left_wrist", "right_knee", "nose", "left_toe"):
        row = JOINTS.index(name)
        measured = (bank["lifted"][:, row, 2] - depth[:, row]).abs().mean()
        imitated = (seen[known, row, 2] - depth[known, row]).abs().mean()
        assert float(imitated) == pytest.approx(float(measured), rel=0.25)
    # What the image shows is hardly off.
    assert (seen[known, :, :2] - true[known, :, :2]).abs().mean() < 0.05


def test_some_are_not_seen(bank: dict[str, torch.Tensor]) -> None:
    seen = detect_joints(of_body(bank["true"]), seeded())
    missed = seen[..., 3] == 0
    assert bool((missed.all(1) == missed.any(1)).all())
    assert not seen[missed.all(1)].any()
    assert float(missed.all(1).float().mean()) == pytest.approx(MISSED, abs=0.03)


def test_unknown_joints_stay_unknown() -> None:
    assert not detect_joints(torch.full((3, 22, 3), torch.nan), seeded()).any()


def test_a_seed_repeats(bank: dict[str, torch.Tensor]) -> None:
    some = of_body(bank["true"][:10])
    assert torch.equal(detect_joints(some, seeded(1)), detect_joints(some, seeded(1)))
    assert not torch.equal(detect_joints(some, seeded(1)), detect_joints(some, seeded(2)))


def test_a_mirror_turns_x_and_swaps_sides(bank: dict[str, torch.Tensor]) -> None:
    joints = bank["true"][:4]
    image = mirrored(joints)
    left, right = JOINTS.index("left_elbow"), JOINTS.index("right_elbow")
    assert torch.equal(image[:, left, 0], -joints[:, right, 0])
    assert torch.equal(image[:, left, 1:], joints[:, right, 1:])
    assert torch.equal(mirrored(image), joints)
