"""Results to messages and back, through the serialisation, with field checking on."""

from __future__ import annotations

from array import array
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")
pytest.importorskip(
    "pifuhd_ros.msg", reason="the ROS interfaces are not compiled; run make setup or colcon build"
)

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from pifuhd_ros.msg import PersonMesh
from pifuhd_ros.ros.markers import serialized_markers
from pifuhd_ros.ros.person_meshes import person_mesh_from_ros, person_mesh_to_ros
from pifuhd_ros.ros.points import points_from_ros, points_to_ros
from pifuhd_ros.types import Mesh, PersonDetection, Reconstruction

HEADER = Header(frame_id="camera_optical")
# A tetrahedron of 1.7 m, 2 m in front of the camera.
MESH = Mesh(
    vertices=np.array(
        [[0.0, -0.9, 2.0], [0.4, 0.8, 2.0], [-0.4, 0.8, 2.0], [0.0, 0.8, 2.4]], np.float32
    ),
    faces=np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]]),
    normals=np.array([[0, -1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1]], np.float32),
    colors=np.array([[255, 0, 1], [2, 254, 3], [4, 5, 253], [128, 64, 32]], np.uint8),
    seen=np.array([True, True, False, False]),
    color_sources=np.array([1, 1, 0, 2], np.uint8),
)
BARE = Mesh(vertices=MESH.vertices, faces=MESH.faces)
PERSON = Reconstruction(
    mesh=MESH,
    detection=PersonDetection(
        box_xyxy_px=np.array([10.5, 20.0, 110.25, 420.0]),
        mask=np.zeros((480, 640), np.float32),
        keypoints_px=np.zeros((33, 3)),
        score=0.75,
        is_cut_off=True,
    ),
    timings_s={"detect": 0.1},
    scale_source="stature_prior",
    stamp_ns=12_000_000_034,
    frame_id="camera_optical",
    notices=("The feet are outside the image.",),
)


def assert_same_mesh(actual: Mesh, expected: Mesh) -> None:
    for name in ("vertices", "faces", "normals", "colors", "seen", "color_sources"):
        value, wanted = getattr(actual, name), getattr(expected, name)
        assert (value is None) == (wanted is None), name
        if wanted is not None:
            np.testing.assert_array_equal(value, wanted, err_msg=name)
            assert value.dtype == wanted.dtype, name


def test_field_checking_is_on() -> None:
    with pytest.raises(AssertionError, match="score"):
        PersonMesh(score="high")


# --- PersonMesh ---


@pytest.mark.parametrize("mesh", [MESH, BARE], ids=["full", "bare"])
def test_person_mesh_round_trip(mesh: Mesh) -> None:
    message = person_mesh_to_ros(replace(PERSON, mesh=mesh), "pifuhd")
    message = deserialize_message(serialize_message(message), PersonMesh)
    assert_same_mesh(person_mesh_from_ros(message), mesh)


def test_person_mesh_says_all_that_is_known() -> None:
    message = person_mesh_to_ros(PERSON, "pifuhd")
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (12, 34)
    assert message.header.frame_id == "camera_optical"
    assert message.system == "pifuhd"
    assert message.scale_source == "stature_prior"
    assert list(message.notices) == ["The feet are outside the image."]
    assert message.score == pytest.approx(0.75)
    assert message.is_cut_off is True
    assert list(message.box_xyxy_px) == [10.5, 20.0, 110.25, 420.0]
    low, high = message.box_min, message.box_max
    assert (low.x, low.y, low.z) == pytest.approx((-0.4, -0.9, 2.0))
    assert (high.x, high.y, high.z) == pytest.approx((0.4, 0.8, 2.4))


@pytest.mark.parametrize(
    ("field", "values", "text"),
    [
        ("vertices", array("f", [1.0] * 10), "vertices has 10 numbers, not three"),
        ("faces", array("I", [0, 1]), "faces has 2 numbers, not three"),
        ("faces", array("I", [0, 1, 4]), "4 vertices, and a face that names number 4"),
        ("normals", array("f", [1.0] * 9), "4 vertices, but 3 normals"),
        ("colors", array("B", [1] * 15), "4 vertices, but 5 colors"),
        ("seen", array("B", [1] * 3), "4 vertices, but 3 seen"),
        ("color_sources", array("B", [1] * 5), "4 vertices, but 5 color_sources"),
    ],
)
def test_a_malformed_person_mesh_is_refused_in_words(field: str, values: array, text: str) -> None:
    message = person_mesh_to_ros(PERSON, "pifuhd")
    setattr(message, field, values)
    with pytest.raises(ValueError, match=text):
        person_mesh_from_ros(message)


# --- PointCloud2 ---


def test_points_round_trip() -> None:
    message = points_to_ros([MESH], HEADER)
    message = deserialize_message(serialize_message(message), PointCloud2)
    assert_same_mesh(points_from_ros(message), replace(MESH, faces=np.zeros((0, 3), np.int64)))
    assert message.header == HEADER
    assert message.is_dense


def test_points_of_several_people_follow_each_other() -> None:
    cloud = points_from_ros(points_to_ros([MESH, BARE], HEADER))
    np.testing.assert_array_equal(cloud.vertices, np.tile(MESH.vertices, (2, 1)))
    assert cloud.colors is not None
    np.testing.assert_array_equal(cloud.colors[4:], 255)
    assert cloud.normals is not None
    assert np.isnan(cloud.normals[4:]).all()
    assert cloud.seen is not None
    assert not cloud.seen[4:].any()


def test_points_lie_in_memory_as_their_fields_say() -> None:
    message = points_to_ros([MESH], HEADER)
    offsets = {field.name: field.offset for field in message.fields}
    second = bytes(message.data)[message.point_step : 2 * message.point_step]
    position = np.frombuffer(second, "<f4", 3, offsets["x"])
    np.testing.assert_array_equal(position, MESH.vertices[1])
    assert int.from_bytes(second[offsets["rgb"] :][:4], "little") == 0x02FE03
    assert second[offsets["seen"]] == 1
    assert message.row_step == len(message.data) == 4 * message.point_step


def test_no_points_are_a_cloud_too() -> None:
    message = points_to_ros([], HEADER)
    assert message.width == 0
    assert len(points_from_ros(message).vertices) == 0


def test_another_cloud_is_refused_in_words() -> None:
    message = points_to_ros([MESH], HEADER)
    message.fields = message.fields[:3]
    with pytest.raises(ValueError, match="fields are x, y, z; expected x, y, z, rgb"):
        points_from_ros(message)


# --- markers ---


def markers_of(people: list[Reconstruction]) -> dict[tuple[str, int], Marker]:
    message = deserialize_message(serialized_markers(people, HEADER, max_faces=1000), MarkerArray)
    assert message.markers[0].action == Marker.DELETEALL
    for marker in message.markers:
        assert marker.header == HEADER
    return {(marker.ns, marker.id): marker for marker in message.markers[1:]}


def test_each_person_gets_three_markers() -> None:
    assert set(markers_of([PERSON, PERSON])) == {
        (name, number) for name in ("mesh", "box", "text") for number in (0, 1)
    }


def test_the_mesh_marker_is_the_mesh() -> None:
    marker = markers_of([PERSON])["mesh", 0]
    assert marker.type == Marker.TRIANGLE_LIST
    corners = np.array([[point.x, point.y, point.z] for point in marker.points])
    np.testing.assert_allclose(corners, MESH.vertices[MESH.faces.ravel()])
    colors = np.array([[color.r, color.g, color.b, color.a] for color in marker.colors])
    assert MESH.colors is not None
    np.testing.assert_allclose(colors[:, :3], MESH.colors[MESH.faces.ravel()] / 255, atol=1e-6)
    np.testing.assert_array_equal(colors[:, 3], 1.0)
    assert (marker.scale.x, marker.scale.y, marker.scale.z) == (1.0, 1.0, 1.0)


def test_a_mesh_without_colours_is_gray() -> None:
    marker = markers_of([replace(PERSON, mesh=BARE)])["mesh", 0]
    assert len(marker.colors) == 0
    assert marker.color.a == 1.0


def test_the_box_marker_has_twelve_edges_along_the_axes() -> None:
    marker = markers_of([PERSON])["box", 0]
    assert marker.type == Marker.LINE_LIST
    ends = np.array([[point.x, point.y, point.z] for point in marker.points]).reshape(12, 2, 3)
    lengths = np.abs(ends[:, 1] - ends[:, 0])
    assert (np.count_nonzero(lengths, axis=1) == 1).all()
    assert len(np.unique(np.sort(ends.reshape(12, 6), axis=1), axis=0)) > 1
    np.testing.assert_allclose(lengths.sum(axis=0), [4 * 0.8, 4 * 1.7, 4 * 0.4], rtol=1e-6)


def test_the_text_marker_says_height_distance_and_how_sure() -> None:
    marker = markers_of([PERSON])["text", 0]
    assert marker.text == "1.70 m high, 2.20 m away (assumed stature)"
    assert marker.pose.position.y < -0.9  # above the head: y points down
    measured = markers_of([replace(PERSON, scale_source="depth")])["text", 0]
    assert measured.text.endswith("(measured)")


def test_a_large_mesh_is_made_smaller() -> None:
    side = 40
    u, v = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    vertices = np.stack([u, v, 2 + 0.1 * np.sin(5 * u)], axis=-1).reshape(-1, 3)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + side], axis=1),
            np.stack([corner + 1, corner + side + 1, corner + side], axis=1),
        ]
    )
    mesh = Mesh(vertices=vertices.astype(np.float32), faces=faces)
    person = replace(PERSON, mesh=mesh)
    message = deserialize_message(serialized_markers([person], HEADER, 500), MarkerArray)
    assert 100 < len(message.markers[1].points) / 3 <= 500
