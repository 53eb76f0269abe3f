"""Placement: the mesh's image is the person's image, in metres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people_fakes import person

from pifuhd_ros.geometry.cameras import camera_from_fov, project
from pifuhd_ros.geometry.crop_transforms import apply_transform, crop_from_model
from pifuhd_ros.geometry.mesh_normals import vertex_normals
from pifuhd_ros.stages.cropping import crop_person
from pifuhd_ros.stages.image_io import frame_from_array
from pifuhd_ros.stages.placement import Placement, place_in_camera
from pifuhd_ros.types import Camera, Frame, Mesh, PersonCrop, PersonDetection

SHAPE = (480, 640)
K = np.array([[520.0, 0, 330.0], [0, 540.0, 250.0], [0, 0, 1]])
CAMERA = Camera(K=K, width_px=640, height_px=480)
DISTORTED = replace(CAMERA, distortion=np.array([-0.2, 0.05, 0.001, -0.001, 0.0]))


def ellipsoid(half_height: float = 1 / 1.1) -> Mesh:
    """Half as wide and a third as deep as high, in model space, its middle at z = 0.1."""
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 48, endpoint=False), np.linspace(0, np.pi, 33))
    directions = np.stack([np.sin(v) * np.cos(u), np.cos(v), np.sin(v) * np.sin(u)], axis=-1)
    vertices = directions.reshape(-1, 3) * half_height * (0.5, 1, 0.33) + (0, 0, 0.1)
    row, column = np.mgrid[:32, :48]
    a, b = row * 48 + column, row * 48 + (column + 1) % 48
    faces = np.concatenate(
        [
            np.stack([a, b, b + 48], -1).reshape(-1, 3),
            np.stack([a, b + 48, a + 48], -1).reshape(-1, 3),
        ]
    )
    vertices = vertices.astype(np.float32)
    volume = np.einsum(
        "ij,ij->", vertices[faces[:, 0]], np.cross(vertices[faces[:, 1]], vertices[faces[:, 2]])
    )
    faces = faces if volume > 0 else faces[:, ::-1]
    return Mesh(vertices, faces, vertex_normals(vertices, faces))


def scene(
    camera: Camera | None = CAMERA, *, middle_px: float = 330, height: int = 480
) -> tuple[Frame, PersonDetection, PersonCrop]:
    """A frame with a person of 300 px, and the crop."""
    shape = (height, 640)
    detection = person(shape, middle_px=middle_px, top_px=100, stature_px=300)
    if camera is not None:
        camera = replace(camera, height_px=height)
    frame = frame_from_array(np.full((*shape, 3), 128, np.uint8), camera=camera)
    return frame, detection, crop_person(frame, detection, 256)


@pytest.mark.parametrize("camera", [CAMERA, DISTORTED], ids=["pinhole", "distorted"])
@pytest.mark.parametrize("middle_px", [330, 120, 560])
def test_every_vertex_projects_to_its_own_pixel(camera: Camera, middle_px: float) -> None:
    frame, detection, crop = scene(camera, middle_px=middle_px)
    mesh = ellipsoid()

    placed = place_in_camera(mesh, crop, frame, detection).mesh

    expected = apply_transform(crop.image_from_crop @ crop_from_model(256), mesh.vertices[:, :2])
    assert np.abs(project(camera, placed.vertices) - expected).max() < 0.05


@pytest.mark.parametrize("middle_px", [330, 120])
@pytest.mark.parametrize("stature_m", [1.2, 1.7])
def test_the_person_is_as_tall_as_the_prior(stature_m: float, middle_px: float) -> None:
    frame, detection, crop = scene(middle_px=middle_px)

    placement = place_in_camera(ellipsoid(), crop, frame, detection, stature_m=stature_m)

    y = placement.mesh.vertices[:, 1]
    assert y.max() - y.min() == pytest.approx(stature_m, rel=0.02)
    assert placement.scale_source == "stature_prior"
    assert placement.notices == ()


def test_on_the_optical_axis_the_distance_is_that_of_weak_perspective() -> None:
    frame, detection, crop = scene()

    placement = place_in_camera(ellipsoid(), crop, frame, detection)

    # 300 px tall at a focal length of 540 px (520 across).
    assert placement.distance_m == pytest.approx(1.7 * 540 / 300, rel=0.05)
    assert placement.mesh.vertices[:, 2].mean() == pytest.approx(placement.distance_m, rel=0.05)


def test_the_axes_turn_from_model_to_optical() -> None:
    frame, detection, crop = scene()
    mesh = ellipsoid()

    placed = place_in_camera(mesh, crop, frame, detection).mesh

    for model_axis, optical_sign in ((0, 1), (1, -1), (2, -1)):
        ends = mesh.vertices[:, model_axis].argmin(), mesh.vertices[:, model_axis].argmax()
        low, high = placed.vertices[list(ends), model_axis]
        assert np.sign(high - low) == optical_sign


@pytest.mark.parametrize("middle_px", [330, 120])
def test_faces_still_turn_outward_and_normals_turn_with_them(middle_px: float) -> None:
    frame, detection, crop = scene(middle_px=middle_px)
    mesh = ellipsoid()

    placed = place_in_camera(mesh, crop, frame, detection).mesh

    corners = (placed.vertices - placed.vertices.mean(axis=0))[placed.faces].astype(np.float64)
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume > 0.01
    assert placed.normals is not None
    assert np.allclose(np.linalg.norm(placed.normals, axis=1), 1, atol=1e-5)
    expected = vertex_normals(placed.vertices, placed.faces)
    inner = np.abs(mesh.vertices[:, 1]) < 0.85  # the poles have degenerate faces
    assert (placed.normals * expected).sum(axis=1)[inner].min() > 0.995


def test_one_who_is_cut_off_does_not_lean() -> None:
    frame, detection, crop = scene(height=250)
    assert detection.is_cut_off
    # A sheet at one depth, as high as what is seen.
    shown = crop.mask.numpy().any(axis=1)
    top, bottom = 1 - 2 * np.flatnonzero(shown)[[0, -1]] / 255
    assert bottom > 0
    corners = np.array([[-0.1, top, 0.1], [0.1, top, 0.1], [0.1, bottom, 0.1], [-0.1, bottom, 0.1]])
    sheet = Mesh(corners.astype(np.float32), np.array([[0, 1, 2], [0, 2, 3]]))

    placed = place_in_camera(sheet, crop, frame, detection).mesh

    # The camera sees it head on: its normal is the ray through its middle.
    a, b, c = placed.vertices[:3].astype(np.float64)
    normal = np.cross(b - a, c - b)
    middle = placed.vertices.mean(axis=0)
    cosine = abs(normal @ middle) / np.linalg.norm(normal) / np.linalg.norm(middle)
    assert np.degrees(np.arccos(cosine)) < 1


def test_depth_keeps_its_proportion() -> None:
    frame, detection, crop = scene()

    placed = place_in_camera(ellipsoid(), crop, frame, detection).mesh

    extent = np.ptp(placed.vertices, axis=0)
    assert extent[2] / extent[1] == pytest.approx(0.33, rel=0.06)


def test_colours_and_faces_stay() -> None:
    frame, detection, crop = scene()
    mesh = ellipsoid()
    colors = np.zeros((len(mesh.vertices), 3), np.uint8)
    mesh = replace(mesh, colors=colors, seen=colors[:, 0] > 0)

    placed = place_in_camera(mesh, crop, frame, detection).mesh

    assert placed.faces is mesh.faces
    assert placed.colors is colors
    assert placed.vertices.dtype == np.float32


def test_without_a_camera_a_field_of_view_is_assumed_and_said() -> None:
    frame, detection, crop = scene(camera=None)

    narrow = place_in_camera(ellipsoid(), crop, frame, detection, vertical_fov_deg=30)
    wide = place_in_camera(ellipsoid(), crop, frame, detection, vertical_fov_deg=60)

    assert narrow.distance_m / wide.distance_m == pytest.approx(
        camera_from_fov(30, 640, 480).K[0, 0] / camera_from_fov(60, 640, 480).K[0, 0], rel=0.01
    )
    assert wide.camera.is_guess
    assert "not calibrated" in wide.notices[0]


def test_a_person_cut_off_at_the_hips_is_scaled_by_the_pose() -> None:
    frame, detection, crop = scene(height=250)
    assert detection.is_cut_off
    whole_frame, whole, whole_crop = scene()
    assert not whole.is_cut_off
    # What is seen: the upper half of the same ellipsoid.
    mesh = ellipsoid()
    upper = replace(mesh, vertices=mesh.vertices * (1, 0.5, 1) + np.float32([0, 0.45, 0]))

    cut = place_in_camera(upper, crop, frame, detection)

    expected = place_in_camera(mesh, whole_crop, whole_frame, whole).distance_m
    assert cut.distance_m == pytest.approx(expected, rel=0.1)
    assert "does not stand upright and whole" in cut.notices[0]


def test_a_crouching_person_is_not_stretched() -> None:
    frame, detection, crop = scene()
    assert detection.keypoints_world_m is not None
    bent = detection.keypoints_world_m.copy()
    bent[:23] = bent[:23][:, [0, 2, 1]]  # the trunk lies in depth
    crouching = replace(detection, keypoints_world_m=bent)

    placement = place_in_camera(ellipsoid(), crop, frame, crouching)

    assert any("estimated" in notice for notice in placement.notices)


def depth_scene(distance_factor: float) -> tuple[Frame, PersonDetection, PersonCrop, Placement]:
    """A frame whose depth image shows the mesh at a multiple of the prior's distance."""
    frame, detection, crop = scene()
    prior = place_in_camera(ellipsoid(), crop, frame, detection)
    front = prior.mesh.vertices[ellipsoid().vertices[:, 2] > 0.1]
    depth = np.zeros(SHAPE, np.float32)
    for (u, v), z in zip(project(CAMERA, front), front[:, 2], strict=True):
        depth[round(v) - 2 : round(v) + 3, round(u) - 2 : round(u) + 3] = z * distance_factor
    return replace(frame, depth_m=depth), detection, crop, prior


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_depth_image_sets_the_scale(factor: float) -> None:
    frame, detection, crop, prior = depth_scene(factor)

    placement = place_in_camera(ellipsoid(), crop, frame, detection)

    assert placement.scale_source == "depth"
    assert placement.distance_m == pytest.approx(prior.distance_m * factor, rel=0.02)
    assert placement.notices == ()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d * 0, "too few values"),
        (lambda d: np.full_like(d, np.nan), "too few values"),
        (lambda d: d * np.random.default_rng(0).uniform(0.3, 2, d.shape), "does not fit"),
        (lambda d: d * 3, "tall"),
    ],
)
def test_a_useless_depth_image_is_said_and_not_used(spoil: object, message: str) -> None:
    frame, detection, crop, prior = depth_scene(1.0)
    assert callable(spoil)
    assert frame.depth_m is not None
    spoiled = replace(frame, depth_m=spoil(frame.depth_m).astype(np.float32))

    placement = place_in_camera(ellipsoid(), crop, spoiled, detection)

    assert placement.scale_source == "stature_prior"
    assert placement.distance_m == pytest.approx(prior.distance_m)
    assert any(message in notice for notice in placement.notices)


def test_nothing_comes_behind_the_camera() -> None:
    """A fisheye's field of view with a mesh that fills the box in depth."""
    frame, detection, crop = scene(camera=None)
    mesh = ellipsoid()
    deep = replace(mesh, vertices=mesh.vertices * np.float32([1, 1, 3]))

    placed = place_in_camera(deep, crop, frame, detection, vertical_fov_deg=160).mesh

    assert placed.vertices[:, 2].min() > 0
