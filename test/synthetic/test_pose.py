"""Poses and expressions: seeded, plausible, and what their names say."""

from __future__ import annotations

import math

import pytest
import torch

from pifuhd_ros.body.model import BodyModel, load_body
from pifuhd_ros.synthetic.expression import sample_expression
from pifuhd_ros.synthetic.gestures import (
    GESTURES,
    LANDMARKS,
    LAP_GESTURES,
    LAP_STANCES,
    RUN_GESTURES,
    RUN_STANCES,
    STANCES,
)
from pifuhd_ros.synthetic.pose import sample_pose
from pifuhd_ros.synthetic.pose_rig import PoseRig, landmark_row, make_pose_rig
from pifuhd_ros.synthetic.posture import make_gestures, take_stance
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.self_intersection import intersects_itself
from pifuhd_ros.synthetic.wardrobe import Wardrobe

_GESTURE = {gesture.name: gesture for gesture in GESTURES}
_STANCE = {stance.name: stance for stance in STANCES}


@pytest.fixture(scope="module")
def rig() -> PoseRig:
    return make_pose_rig(load_body())


@pytest.fixture(scope="module")
def person(rig: PoseRig) -> tuple[torch.Tensor, torch.Tensor]:
    rest, heads = rig.body.rest(rig.body.known_betas[5:6])
    return rest[0], heads[0]


def _standing(
    rig: PoseRig, person: tuple[torch.Tensor, torch.Tensor], gesture: str, stance: str = "stand"
) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """Posed heads by name, landmarks and rotations, without any variation."""
    rotations = take_stance(rig, _STANCE[stance], Dice(0), 0.0)
    both = (_GESTURE[gesture], _GESTURE[gesture])
    rotations = make_gestures(rig, rotations, both, *person, Dice(0), 0.0)
    transforms, heads = rig.body.bone_transforms(person[1][None], rotations[None])
    names = dict(zip(rig.body.bones, heads[0], strict=True))
    return names, rig.posed_landmarks(person[0], transforms[0]), rotations


def test_table_names_are_unique_and_places_known() -> None:
    names = [*_GESTURE, *_STANCE]
    assert len(names) == len(GESTURES) + len(STANCES) == len(set(names))
    assert all(g.touches in LANDMARKS for g in GESTURES if g.touches)
    assert set(LAP_GESTURES) <= set(_GESTURE)
    assert set(LAP_STANCES) <= set(_STANCE)
    assert set(RUN_GESTURES) <= set(_GESTURE)
    assert set(RUN_STANCES) <= set(_STANCE)


@pytest.mark.parametrize(
    ("gesture", "direction"),
    [("reach_up", (0, 1, 0)), ("side", (1, 0, 0)), ("reach", (0, 0, 1)), ("hang", (0, -1, 0))],
)
def test_arms_point_where_the_table_says(
    rig: PoseRig,
    person: tuple[torch.Tensor, torch.Tensor],
    gesture: str,
    direction: tuple[float, float, float],
) -> None:
    heads, _, _ = _standing(rig, person, gesture)
    left = heads["wrist.L"] - heads["upperarm01.L"]
    right = heads["wrist.R"] - heads["upperarm01.R"]
    assert float(left @ torch.tensor(direction).float() / left.norm()) > 0.93
    assert right.tolist() == pytest.approx((left * torch.tensor([-1.0, 1, 1])).tolist(), abs=0.02)


@pytest.mark.parametrize("name", [g.name for g in GESTURES if g.touches and g.stack == (0, 0, 0)])
def test_hands_reach_the_places_that_they_touch(
    rig: PoseRig, person: tuple[torch.Tensor, torch.Tensor], name: str
) -> None:
    stance = "sit" if name in LAP_GESTURES else "stand"
    heads, places, _ = _standing(rig, person, name, stance)
    gesture = _GESTURE[name]
    distance = (heads["wrist.L"] - places[0, landmark_row(gesture.touches)]).norm()
    assert float(distance) == pytest.approx(math.dist(gesture.offset, (0, 0, 0)), abs=0.03)


def test_elbows_are_hinges(rig: PoseRig, person: tuple[torch.Tensor, torch.Tensor]) -> None:
    elbow = rig.bones["lowerarm01.L"]
    axes = []
    for name in ("wave", "guard", "offer", "on_hip"):
        turn = _standing(rig, person, name)[2][elbow]
        axis = torch.stack(
            [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
        )
        axes.append(axis / axis.norm())
    for axis in axes[1:]:
        assert abs(float(axis @ axes[0])) > 0.999


@pytest.mark.parametrize("stance", ["stand", "sit", "bow", "step", "half_squat"])
def test_soles_are_level_and_on_one_floor(
    rig: PoseRig, person: tuple[torch.Tensor, torch.Tensor], stance: str
) -> None:
    heads, _, _ = _standing(rig, person, "hang_wide", stance)
    for side in "LR":
        foot = heads[f"toe1-1.{side}"] - heads[f"foot.{side}"]
        assert foot[2] > 0.08
        assert -0.09 < float(foot[1]) < 0.01
    assert abs(float(heads["foot.L"][1] - heads["foot.R"][1])) < 0.06


def test_sitting_folds_hips_and_knees(
    rig: PoseRig, person: tuple[torch.Tensor, torch.Tensor]
) -> None:
    heads, _, _ = _standing(rig, person, "on_knee", "sit")
    thigh = heads["lowerleg01.L"] - heads["upperleg01.L"]
    shin = heads["foot.L"] - heads["lowerleg01.L"]
    assert float(thigh[2] / thigh.norm()) > 0.9
    assert float(shin[1] / shin.norm()) < -0.9


def test_a_twisted_thigh_brings_the_shin_across(
    rig: PoseRig, person: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """Ankle on knee: one ankle lies near the other leg's knee, both thighs to the front."""
    heads, _, _ = _standing(rig, person, "hang_wide", "sit_ankle_on_knee")
    across = {
        near: float((heads[f"foot.{far}"] - heads[f"lowerleg01.{near}"]).norm())
        for near, far in (("L", "R"), ("R", "L"))
    }
    assert min(across.values()) < 0.2 < max(across.values())
    for side in "LR":
        thigh = heads[f"lowerleg01.{side}"] - heads[f"upperleg01.{side}"]
        assert float(thigh[2] / thigh.norm()) > 0.7


@pytest.mark.parametrize("name", RUN_STANCES)
def test_runners_have_one_leg_and_one_arm_in_front(
    rig: PoseRig, person: tuple[torch.Tensor, torch.Tensor], name: str
) -> None:
    stance = take_stance(rig, _STANCE[name], Dice(0), 0.0)
    arms = tuple(_GESTURE[name] for name in RUN_GESTURES)
    rotations = make_gestures(rig, stance, (arms[0], arms[1]), *person, Dice(0), 0.0)
    transforms, posed = rig.body.bone_transforms(person[1][None], rotations[None])
    heads = dict(zip(rig.body.bones, posed[0], strict=True))
    assert abs(float(heads["foot.L"][2] - heads["foot.R"][2])) > 0.3
    assert abs(float(heads["wrist.L"][2] - heads["wrist.R"][2])) > 0.25
    assert not intersects_itself(rig.body, rig.probes, *person, transforms[0])


def test_hanging_arms_clear_every_body(rig: PoseRig) -> None:
    """What sample_pose falls back to."""
    for row in range(0, len(rig.body.known_betas), 60):
        rest, heads = (x[0] for x in rig.body.rest(rig.body.known_betas[row : row + 1]))
        standing = take_stance(rig, STANCES[0], Dice(0), 0.0)
        rotations = make_gestures(
            rig, standing, (_GESTURE["hang_wide"],) * 2, rest, heads, Dice(0), 0.0
        )
        transforms = rig.body.bone_transforms(heads[None], rotations[None])[0][0]
        assert not intersects_itself(rig.body, rig.probes, rest, heads, transforms), row


def test_drawn_poses_are_seeded_rotations_that_do_not_intersect(
    wardrobe: Wardrobe, rig: PoseRig, person: tuple[torch.Tensor, torch.Tensor]
) -> None:
    drawn = []
    for seed in range(12):
        rotations = sample_pose(wardrobe, rig, Dice(seed), "train", *person)
        again = sample_pose(wardrobe, rig, Dice(seed), "train", *person)
        assert torch.equal(rotations, again)
        assert torch.allclose(rotations @ rotations.mT, torch.eye(3), atol=1e-3)
        assert (torch.linalg.det(rotations) > 0).all()
        transforms = rig.body.bone_transforms(person[1][None], rotations[None])[0][0]
        assert not intersects_itself(rig.body, rig.probes, *person, transforms)
        drawn.append(rotations)
    assert not torch.allclose(drawn[0], drawn[1], atol=0.05)


def test_expressions_are_seeded_weights_and_mostly_mild(rig: PoseRig) -> None:
    body: BodyModel = rig.body
    drawn = torch.stack([sample_expression(body, Dice(seed)) for seed in range(200)])
    assert torch.equal(drawn[7], sample_expression(body, Dice(7)))
    assert drawn.shape == (200, len(body.expression_names))
    assert float(drawn.min()) >= 0
    assert float(drawn.max()) <= 1
    row = {name: i for i, name in enumerate(body.expression_names)}
    smiles = (drawn[:, row["mouthSmileLeft"]] > 0.25).float().mean()
    assert 0.15 < float(smiles) < 0.5
    assert (drawn[:, row["jawOpen"]] > 0.15).float().mean() > 0.05
    face = [i for i, name in enumerate(body.expression_names) if not name.startswith("eyeLook")]
    assert (drawn[:, face].amax(1) < 0.2).float().mean() > 0.3
    left, right = drawn[:, row["eyeLookOutLeft"]], drawn[:, row["eyeLookInRight"]]
    assert torch.equal(left > 0, right > 0)
