"""The unseen back of a head gets hair, whichever way the head is turned."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic_shapes import SignedDistanceField, sphere

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.stages.back_of_head import BackOfHead, find_back_of_head
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.stages.texture import texture_mesh
from pifuhd_ros.types import Mesh, PersonCrop

RADIUS, EAR = 0.2, 0.16
HAIR, SKIN = np.uint8([60, 40, 20]), np.uint8([220, 180, 150])


@pytest.fixture(scope="module")
def head() -> Mesh:
    """A ball around the middle of the ears."""
    return extract_surface(SignedDistanceField(sphere(RADIUS, (0, 0, 0))), 64).mesh


def joints_of(yaw_deg: float) -> torch.Tensor:
    """A head that has turned to its left by this; at 0 it looks into the camera."""
    cos, sin = np.cos(np.deg2rad(yaw_deg)), np.sin(np.deg2rad(yaw_deg))
    joints = torch.zeros(len(JOINTS), 4)
    for name, point in {
        "nose": (sin * RADIUS, -0.02, cos * RADIUS),
        "left_ear": (cos * EAR, 0, -sin * EAR),
        "right_ear": (-cos * EAR, 0, sin * EAR),
    }.items():
        joints[JOINTS.index(name)] = torch.tensor([*point, 1.0])
    return joints


def find(
    head: Mesh,
    colors: npt.NDArray[np.uint8],
    seen: npt.NDArray[np.bool_],
    joints: torch.Tensor | None,
) -> BackOfHead | None:
    assert head.normals is not None
    return find_back_of_head(head.vertices, head.normals, colors, seen, joints)


def painted(head: Mesh, yaw_deg: float) -> npt.NDArray[np.uint8]:
    """True colours: a face in front and below the hairline, else hair."""
    yaw = np.deg2rad(yaw_deg)
    ahead = head.vertices @ np.array([np.sin(yaw), 0, np.cos(yaw)])
    is_face = (ahead > 0) & (head.vertices[:, 1] < 0.12)
    return np.where(is_face[:, None], SKIN, HAIR).astype(np.uint8)


@pytest.mark.parametrize("yaw_deg", [0, 40, -60])
def test_behind_the_ears_there_is_hair_of_the_colour_that_was_seen(
    head: Mesh, yaw_deg: float
) -> None:
    seen = head.vertices[:, 2] > 0.03
    back = find(head, painted(head, yaw_deg), seen, joints_of(yaw_deg))
    assert back is not None
    np.testing.assert_array_equal(back.hair_color, HAIR)
    yaw = np.deg2rad(yaw_deg)
    ahead = head.vertices @ np.array([np.sin(yaw), 0, np.cos(yaw)])
    assert back.hair[~seen & (ahead < -0.03) & (head.vertices[:, 1] > -0.1)].all()
    assert not back.hair[seen | (ahead > 0.05) | (head.vertices[:, 1] < -0.17)].any()
    assert back.vertices[back.hair].all()


def test_seen_from_behind_no_face_is_painted_over(head: Mesh) -> None:
    seen = head.vertices[:, 2] > 0.03
    back = find(head, painted(head, 180), seen, joints_of(180))
    assert back is not None
    assert not back.hair[head.vertices[:, 2] < -0.05].any()


def test_without_a_head_or_hair_nothing_is_found(head: Mesh) -> None:
    seen = head.vertices[:, 2] > 0
    colors = painted(head, 0)
    unknown = joints_of(0)
    unknown[JOINTS.index("nose"), 3] = 0
    assert find(head, colors, seen, None) is None
    assert find(head, colors, seen, unknown) is None
    assert find(head, colors, seen, torch.zeros(len(JOINTS), 4)) is None
    assert find(head, colors, np.zeros_like(seen), joints_of(0)) is None


def test_a_textured_head_has_one_face(head: Mesh) -> None:
    size = 256
    x = torch.linspace(-1, 1, size).expand(size, size)
    y = -torch.linspace(-1, 1, size)[:, None].expand(size, size)
    mask = (torch.hypot(x, y) <= RADIUS).float()
    is_face = (y < 0.12).float()
    colors = [torch.from_numpy(c / 255).float()[:, None, None] for c in (SKIN, HAIR)]
    image = (is_face * colors[0] + (1 - is_face) * colors[1]) * mask
    crop = PersonCrop(image=image, mask=mask, image_from_crop=np.eye(3), joints=joints_of(0))
    mesh = texture_mesh(head, crop)
    assert mesh.colors is not None
    nose = (mesh.vertices[:, 2] > 0.18) & (abs(mesh.vertices[:, 1]) < 0.05)
    nape = (mesh.vertices[:, 2] < -0.18) & (abs(mesh.vertices[:, 1]) < 0.05)
    np.testing.assert_allclose(mesh.colors[nose].astype(int), [SKIN] * nose.sum(), atol=1)
    np.testing.assert_allclose(mesh.colors[nape].astype(int), [HAIR] * nape.sum(), atol=1)
