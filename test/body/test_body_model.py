"""The baked body: shapes, skeleton, skinning."""

from __future__ import annotations

import pytest
import torch

from pifuhd_ros.body.model import BODY_FILE, BodyModel, apply_transforms, load_body
from pifuhd_ros.geometry.rotations import matrix_from_axis_angle


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


def test_mean_body_is_a_standing_adult_facing_the_viewer(body: BodyModel) -> None:
    skin = body.mean[:13380]
    height = float(skin[:, 1].max() - skin[:, 1].min())
    assert 1.55 < height < 1.85
    head = body.mean[body.vertex_count + body.bones.index("head")]
    toes = body.mean[body.vertex_count + body.bones.index("toe1-1.L")]
    heel = body.mean[body.vertex_count + body.bones.index("foot.L")]
    assert head[1] > 0.5
    assert toes[2] > heel[2]
    # The person's left is on the viewer's right.
    assert heel[0] > 0


def test_unturned_bones_leave_the_rest_body_as_it_is(body: BodyModel) -> None:
    betas = torch.randn(2, body.basis.shape[0], generator=torch.Generator().manual_seed(0))
    rest, heads = body.rest(betas)
    turns = torch.eye(3).expand(2, len(body.bones), 3, 3)
    transforms, joints = body.bone_transforms(heads, turns)
    posed = apply_transforms(body.vertex_transforms(transforms), rest)
    assert torch.allclose(posed, rest, atol=1e-4)
    assert torch.allclose(joints, heads, atol=1e-5)


def test_bending_an_elbow_moves_the_hand_and_not_the_feet(body: BodyModel) -> None:
    rest, heads = body.rest(torch.zeros(1, body.basis.shape[0]))
    turns = torch.eye(3).repeat(1, len(body.bones), 1, 1)
    elbow = body.bones.index("lowerarm01.L")
    turns[0, elbow] = matrix_from_axis_angle(torch.tensor([0.0, -1.2, 0.0]))
    transforms, joints = body.bone_transforms(heads, turns)
    posed = apply_transforms(body.vertex_transforms(transforms), rest)
    wrist = body.bones.index("wrist.L")
    assert (joints[0, wrist] - heads[0, wrist]).norm() > 0.1
    assert joints[0, elbow] == pytest.approx(heads[0, elbow].tolist(), abs=1e-6)
    # A turn keeps the forearm's length.
    before = (heads[0, wrist] - heads[0, elbow]).norm()
    assert (joints[0, wrist] - joints[0, elbow]).norm() == pytest.approx(float(before), rel=1e-4)
    feet = rest[0, :13380, 1] < -0.5
    assert torch.allclose(posed[0, :13380][feet], rest[0, :13380][feet], atol=1e-6)


def test_skin_weights_and_hierarchy_are_sound(body: BodyModel) -> None:
    assert torch.allclose(body.skin_weights.sum(1), torch.ones(body.vertex_count), atol=2e-3)
    assert all(parent < bone for bone, parent in enumerate(body.parents))
    assert int(body.faces.max()) < body.vertex_count


def test_pose_and_shape_can_be_differentiated(body: BodyModel) -> None:
    betas = torch.zeros(1, body.basis.shape[0], requires_grad=True)
    turn = torch.full((1, len(body.bones), 3), 0.01, requires_grad=True)
    rest, heads = body.rest(betas)
    transforms, _ = body.bone_transforms(heads, matrix_from_axis_angle(turn))
    apply_transforms(body.vertex_transforms(transforms), rest).square().sum().backward()
    assert betas.grad is not None
    assert turn.grad is not None
    assert betas.grad.abs().sum() > 0
    assert torch.isfinite(turn.grad).all()


def test_file_is_small_enough_to_ship() -> None:
    assert BODY_FILE.stat().st_size <= 8e6


def test_batched_kinematics_equal_one_bone_after_the_other(body: BodyModel) -> None:
    generator = torch.Generator().manual_seed(2)
    betas = torch.randn(3, body.basis.shape[0], generator=generator)
    turns = matrix_from_axis_angle(torch.randn(3, len(body.bones), 3, generator=generator) * 0.4)
    _, heads = body.rest(betas)
    transforms, joints = body.bone_transforms(heads, turns)
    turned, placed = turns.clone(), heads.clone()
    for bone, parent in enumerate(body.parents):
        if parent >= 0:
            offset = (heads[:, bone] - heads[:, parent])[..., None]
            placed[:, bone] = placed[:, parent] + (turned[:, parent] @ offset)[..., 0]
            turned[:, bone] = turned[:, parent] @ turns[:, bone]
    assert torch.allclose(transforms[..., :3], turned, atol=1e-5)
    assert torch.allclose(joints, placed, atol=1e-5)
    assert torch.allclose(apply_transforms(transforms, heads), placed, atol=1e-5)


def test_an_open_jaw_lowers_the_chin_and_nothing_below_the_neck(body: BodyModel) -> None:
    betas = torch.zeros(1, body.basis.shape[0])
    expression = torch.zeros(1, len(body.expression_names))
    calm, heads = body.rest(betas, expression)
    assert torch.equal(calm, body.rest(betas)[0])
    expression[0, body.expression_names.index("jawOpen")] = 1
    moved, same_heads = body.rest(betas, expression)
    change = (moved - calm)[0]
    assert -0.06 < float(change[:, 1].min()) < -0.02
    neck = heads[0, body.bones.index("neck01"), 1]
    assert float(change[calm[0, :, 1] < neck - 0.05].abs().max()) == 0
    assert torch.equal(heads, same_heads)


def test_left_actions_move_the_left_of_the_face(body: BodyModel) -> None:
    x = body.mean[body.expression_vertices, 0]
    for action in ("mouthSmileLeft", "eyeBlinkLeft", "browDownLeft", "mouthFrownLeft"):
        moved = body.expressions[body.expression_names.index(action)].norm(dim=1)
        mirror = body.expressions[
            body.expression_names.index(action.replace("Left", "Right"))
        ].norm(dim=1)
        assert float((moved * x).sum() / moved.sum()) > 0.01
        assert float((mirror * x).sum() / mirror.sum()) < -0.01


def test_joints_are_where_their_names_say(body: BodyModel) -> None:
    rest, heads = body.rest(torch.zeros(1, body.basis.shape[0]))
    joints = dict(zip(body.joint_names, body.body_joints(rest, heads)[0].tolist(), strict=True))
    assert len(joints) == 22
    coco = ["nose"] + [
        f"{side}_{name}"
        for name in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ]
    assert list(body.joint_names[:17]) == coco
    order = ["head_top", "left_eye", "nose", "left_shoulder", "left_elbow", "left_hip", "left_knee"]
    heights = [joints[name][1] for name in order]
    assert heights == sorted(heights, reverse=True)
    for name, place in joints.items():
        if name.startswith("left_"):
            other = joints[name.replace("left_", "right_")]
            assert place[0] > 0.02
            assert other == pytest.approx([-place[0], place[1], place[2]], abs=0.01)
    assert joints["nose"][2] > joints["left_ear"][2] + 0.08
    assert joints["left_toe"][2] > joints["left_ankle"][2] + 0.1


def test_joints_follow_the_pose(body: BodyModel) -> None:
    rest, heads = body.rest(torch.zeros(1, body.basis.shape[0]))
    turns = torch.eye(3).repeat(1, len(body.bones), 1, 1)
    turns[0, body.bones.index("root")] = matrix_from_axis_angle(torch.tensor([0.0, 1.0, 0.0]))
    transforms, posed_heads = body.bone_transforms(heads, turns)
    posed = apply_transforms(body.vertex_transforms(transforms), rest)
    before, after = body.body_joints(rest, heads)[0], body.body_joints(posed, posed_heads)[0]
    assert torch.allclose(torch.cdist(after, after), torch.cdist(before, before), atol=1e-3)
    assert (after - before).norm(dim=1).max() > 0.1


def test_face_region_is_the_front_of_the_head(body: BodyModel) -> None:
    face = body.mean[body.face_region]
    head = body.mean[body.vertex_count + body.bones.index("head")]
    assert (face[:, 2] > head[2] - 0.01).all()
    assert float(face[:, 1].max() - face[:, 1].min()) == pytest.approx(0.19, abs=0.04)
    assert body.joint_rows[body.joint_names.index("nose")] in body.face_region
    assert body.joint_rows[body.joint_names.index("left_ear")] not in body.face_region


def test_coarse_skin_is_closed_and_keeps_most_of_the_volume(body: BodyModel) -> None:
    faces = body.coarse_faces
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    balance = torch.zeros(len(body.coarse_vertices), len(body.coarse_vertices))
    balance.index_put_((edges[:, 0], edges[:, 1]), torch.ones(len(edges)), accumulate=True)
    assert torch.equal(balance, balance.T)

    def volume(corners: torch.Tensor) -> float:
        a, b, c = corners.unbind(1)
        return float((a * torch.linalg.cross(b, c)).sum() / 6)

    skin = body.faces[(body.faces < 13380).all(1)]
    whole = volume(body.mean[skin])
    assert 0.85 * whole < volume(body.mean[body.coarse_vertices][faces]) < whole
