"""Faces: found in a photo, and laid over a smooth head."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import trimesh

from pifuhd_ros.geometry.mesh_normals import vertex_normals
from pifuhd_ros.ros.shipped_photo import shipped_photo
from pifuhd_ros.stages.cropping import crop_person
from pifuhd_ros.stages.detection import DetectionConfig, PersonDetector
from pifuhd_ros.stages.face_mesh import FACE_POINTS, FaceFinder, face_triangles
from pifuhd_ros.stages.face_relief import sculpt_face
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.types import Frame, Mesh, PersonCrop, PersonDetection

NOSE_TIP, CHEEKS, CHIN = 1, [50, 280], [199, 175]


@pytest.fixture(scope="module")
def frame() -> Frame:
    with shipped_photo() as photo:
        return read_frame(photo)


@pytest.fixture(scope="module")
def person(frame: Frame) -> PersonDetection:
    with PersonDetector() as detector:
        return detector.detect(frame)[0]


@pytest.fixture(scope="module")
def crop(frame: Frame, person: PersonDetection) -> PersonCrop:
    return crop_person(frame, person)


@pytest.fixture(scope="module")
def head(crop: PersonCrop) -> Mesh:
    """A ball where the head is, somewhere in depth."""
    assert crop.face is not None
    face = crop.face.numpy()
    middle = (face.max(axis=0) + face.min(axis=0)) / 2
    ball = trimesh.creation.icosphere(6, 0.75 * np.ptp(face[:, 1]))
    vertices = (ball.vertices + np.array([middle[0], middle[1], 0.4])).astype(np.float32)
    faces = np.asarray(ball.faces, np.int64)
    return Mesh(vertices, faces, vertex_normals(vertices, faces))


def test_triangles_join_all_points() -> None:
    triangles = face_triangles()
    assert np.array_equal(np.unique(triangles), np.arange(FACE_POINTS))
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    # An edge borders two triangles, or one at a rim.
    assert set(np.unique(edges, axis=0, return_counts=True)[1]) == {1, 2}


def test_the_face_lies_on_the_head(person: PersonDetection) -> None:
    assert person.face_px is not None
    assert person.face_px.shape == (FACE_POINTS, 3)
    head = person.keypoints_px[:11, :2]
    size = np.ptp(head, axis=0).max()
    assert np.linalg.norm(person.face_px[NOSE_TIP, :2] - head[0]) < 0.3 * size
    # The nose is nearer than the cheeks, which are nearer than the ears.
    z = person.face_px[:, 2]
    assert z[NOSE_TIP] < z[CHEEKS].mean() < z[[127, 356]].mean()


def test_the_face_is_where_it_was_in_a_larger_frame(
    finder: FaceFinder, frame: Frame, person: PersonDetection
) -> None:
    large = np.pad(frame.rgb.repeat(3, 0).repeat(3, 1), ((600, 0), (0, 300), (0, 0)))
    keypoints = person.keypoints_px * [3, 3, 1] + np.array([1, 601, 0])
    found = finder.find(large, keypoints)
    assert person.face_px is not None
    assert found is not None
    expected = person.face_px[:, :2] * 3 + [1, 601]
    assert np.abs(found[:, :2] - expected).max() < 0.03 * np.ptp(expected, axis=0).max()


def test_faces_are_left_alone_where_nobody_needs_them(frame: Frame) -> None:
    with PersonDetector(DetectionConfig(faces=False)) as detector:
        assert detector.detect(frame)[0].face_px is None


@pytest.fixture
def finder() -> Iterator[FaceFinder]:
    finder = FaceFinder()
    yield finder
    finder.close()


def test_no_face_where_there_is_none(
    finder: FaceFinder, frame: Frame, person: PersonDetection
) -> None:
    blank = np.full_like(frame.rgb, 120)
    assert finder.find(blank, person.keypoints_px) is None
    far = person.keypoints_px * [0.02, 0.02, 1]
    assert finder.find(frame.rgb, far) is None
    outside = person.keypoints_px + np.array([0, 10 * frame.rgb.shape[0], 0])
    assert finder.find(frame.rgb, outside) is None
    lost = person.keypoints_px * np.nan
    assert finder.find(frame.rgb, lost) is None


def test_the_front_takes_the_relief_and_nothing_else_moves(crop: PersonCrop, head: Mesh) -> None:
    assert crop.face is not None
    made = sculpt_face(head, crop.face)
    moved = made.vertices[:, 2] - head.vertices[:, 2]
    assert np.array_equal(made.vertices[:, :2], head.vertices[:, :2])
    assert np.array_equal(made.faces, head.faces)
    behind = head.vertices[:, 2] < head.vertices[:, 2].mean() - 0.3 * np.ptp(head.vertices[:, 2])
    assert not moved[behind].any()
    # The head stays where it is: about as much of the front comes nearer as goes back.
    assert abs(np.median(moved[moved != 0])) < 0.2 * np.abs(moved).max()

    true = float(crop.face[NOSE_TIP, 2] - crop.face[CHEEKS, 2].mean())
    assert true > 0.01
    got = depth(made, crop, [NOSE_TIP]) - depth(made, crop, CHEEKS)
    assert got == pytest.approx(true, rel=0.25)
    assert made.normals is not None
    fresh = vertex_normals(made.vertices, made.faces)
    assert float((made.normals * fresh).sum(1).min()) > 0.98


def test_a_chin_comes_forward_and_the_neck_does_not(crop: PersonCrop, head: Mesh) -> None:
    assert crop.face is not None
    made = sculpt_face(head, crop.face)
    true = float(crop.face[CHIN, 2].mean() - crop.face[CHEEKS, 2].mean())
    before = depth(head, crop, CHIN) - depth(head, crop, CHEEKS)
    got = depth(made, crop, CHIN) - depth(made, crop, CHEEKS)
    assert abs(got - true) < 0.25 * abs(before - true)
    low = float(crop.face[:, 1].min() - 0.12 * np.ptp(crop.face[:, 1].numpy()))
    below = head.vertices[:, 1] < low
    assert below.any()
    assert np.array_equal(made.vertices[below], head.vertices[below])


def depth(mesh: Mesh, crop: PersonCrop, points: list[int]) -> float:
    """Mean z of the mesh's front where points of the face are."""
    assert crop.face is not None
    xy = crop.face[points, :2].numpy()
    rows = [np.linalg.norm(mesh.vertices[:, :2] - at, axis=1).argsort()[:12] for at in xy]
    return float(np.mean([mesh.vertices[near, 2].max() for near in rows]))


def test_a_face_beside_the_head_changes_nothing(crop: PersonCrop, head: Mesh) -> None:
    assert crop.face is not None
    elsewhere = crop.face + torch.tensor([0.5, -0.9, 0])
    assert sculpt_face(head, elsewhere) is head
