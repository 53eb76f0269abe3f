"""The baked body: shapes, skeleton, skinning."""

from __future__ import annotations

import pytest
import torch

from pifuhd_ros.body.model import BodyModel, apply_transforms, load_body
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
