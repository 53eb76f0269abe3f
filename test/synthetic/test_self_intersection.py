"""Poses that run through themselves, against an exact measure."""

from __future__ import annotations

import pytest
import torch
from posed_parts import PosedParts

from pifuhd_ros.body.model import BodyModel, apply_transforms, load_body
from pifuhd_ros.synthetic.gestures import GESTURES, STANCES
from pifuhd_ros.synthetic.limbs import about_z
from pifuhd_ros.synthetic.pose_rig import PoseRig, make_pose_rig
from pifuhd_ros.synthetic.posture import make_gestures, take_stance
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.self_intersection import excess_winding, intersects_itself


@pytest.fixture(scope="module")
def rig() -> PoseRig:
    return make_pose_rig(load_body())


def _excess(rig: PoseRig, rotations: torch.Tensor, betas: torch.Tensor) -> float:
    rest, heads = rig.body.rest(betas[None])
    transforms, _ = rig.body.bone_transforms(heads, rotations[None])
    return excess_winding(rig.body, rig.probes, rest[0], heads[0], transforms[0])


def _posed(body: BodyModel, rotations: torch.Tensor, betas: torch.Tensor) -> torch.Tensor:
    rest, heads = body.rest(betas[None])
    transforms, _ = body.bone_transforms(heads, rotations[None])
    return apply_transforms(body.vertex_transforms(transforms), rest)[0]


@pytest.mark.parametrize("person", [0, 400, 800, 1200])
def test_resting_bodies_are_free(rig: PoseRig, person: int) -> None:
    rotations = torch.eye(3).repeat(len(rig.bones), 1, 1)
    assert _excess(rig, rotations, rig.body.known_betas[person]) < 0.3


@pytest.mark.parametrize(
    ("bone", "degrees"), [("upperarm01.L", -60.0), ("upperarm01.R", 60.0), ("upperleg01.R", 25.0)]
)
def test_limbs_through_the_body_are_found(rig: PoseRig, bone: str, degrees: float) -> None:
    rotations = torch.eye(3).repeat(len(rig.bones), 1, 1)
    rotations[rig.bones[bone]] = about_z(degrees)
    rest, heads = rig.body.rest(torch.zeros(1, rig.body.basis.shape[0]))
    transforms, _ = rig.body.bone_transforms(heads, rotations[None])
    assert intersects_itself(rig.body, rig.probes, rest[0], heads[0], transforms[0])


def test_agrees_with_the_exact_depth(rig: PoseRig) -> None:
    """Among hands near the body, varied more than people get them."""
    parts = PosedParts(rig.body)
    touching = [gesture for gesture in GESTURES if gesture.touches]
    depths, flags = [], []
    for seed in range(10):
        dice = Dice(seed)
        betas = rig.body.known_betas[dice.integer(len(rig.body.known_betas))]
        rest, heads = (x[0] for x in rig.body.rest(betas[None]))
        rotations = take_stance(rig, dice.choice(STANCES), dice, 1.0)
        gestures = (dice.choice(touching), dice.choice(touching))
        rotations = make_gestures(rig, rotations, gestures, rest, heads, dice, 2.5)
        flags.append(_excess(rig, rotations, betas) > 0.5)
        depths.append(parts.depth(_posed(rig.body, rotations, betas).numpy()))
    deep = [flag for flag, depth in zip(flags, depths, strict=True) if depth > 0.02]
    flagged = [depth for flag, depth in zip(flags, depths, strict=True) if flag]
    assert len(deep) >= 3
    assert sum(not flag for flag in flags) >= 3
    assert sum(deep) >= 0.9 * len(deep)
    assert sum(depth > 0.008 for depth in flagged) >= 0.85 * len(flagged)
