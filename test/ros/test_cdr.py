"""Bytes that are written here against those that the middleware writes."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray, MeshFile, UVCoordinate

from pifuhd_ros.ros.cdr import CdrWriter


def written(message: Any, **arrays: np.ndarray) -> bytes:
    writer = CdrWriter()
    writer.write_message(message, arrays)
    return writer.to_bytes()


def header(rng: np.random.Generator) -> Header:
    stamp = Time(sec=int(rng.integers(2**31)), nanosec=int(rng.integers(10**9)))
    return Header(stamp=stamp, frame_id=text(rng))


def text(rng: np.random.Generator) -> str:
    """Of any length, so that what comes behind lies anywhere; not only ASCII."""
    return "".join(rng.choice(list("abc é→人")) for _ in range(rng.integers(0, 9)))


def random_marker(seed: int) -> tuple[Marker, np.ndarray, np.ndarray]:
    """A marker in which every field has a value of its own, its points and its colours."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 4))
    points = rng.normal(size=(count, 3))
    colors = rng.random((int(rng.integers(0, 4)), 4), np.float32)
    marker = Marker(
        header=header(rng),
        ns=text(rng),
        id=int(rng.integers(-5, 5)),
        type=Marker.TRIANGLE_LIST,
        action=Marker.ADD,
        pose=Pose(
            position=Point(**dict(zip("xyz", rng.normal(size=3).tolist(), strict=True))),
            orientation=Quaternion(**dict(zip("xyzw", rng.normal(size=4).tolist(), strict=True))),
        ),
        scale=Vector3(x=1.0, y=2.0, z=float(rng.normal())),
        color=ColorRGBA(r=0.5, a=1.0),
        lifetime=Duration(sec=-3, nanosec=7),
        frame_locked=bool(rng.integers(2)),
        texture_resource=text(rng),
        texture=CompressedImage(
            header=header(rng), format=text(rng), data=array("B", rng.bytes(5))
        ),
        uv_coordinates=[UVCoordinate(u=0.25, v=float(i)) for i in range(rng.integers(0, 3))],
        text=text(rng),
        mesh_resource=text(rng),
        mesh_file=MeshFile(filename=text(rng), data=array("B", rng.bytes(int(rng.integers(0, 9))))),
        mesh_use_embedded_materials=True,
    )
    return marker, points, colors


def as_objects(marker: Marker, points: np.ndarray, colors: np.ndarray) -> Marker:
    marker.points = [Point(x=x, y=y, z=z) for x, y, z in points.tolist()]
    marker.colors = [ColorRGBA(r=r, g=g, b=b, a=a) for r, g, b, a in colors.tolist()]
    return marker


@pytest.mark.parametrize("seed", range(40))
def test_a_marker_with_arrays_is_the_one_of_objects(seed: int) -> None:
    marker, points, colors = random_marker(seed)
    read = deserialize_message(written(marker, points=points, colors=colors), Marker)
    expected = as_objects(random_marker(seed)[0], points, colors)
    for name in Marker.get_fields_and_field_types():
        assert getattr(read, name) == getattr(expected, name), name


@pytest.mark.parametrize("seed", range(20))
def test_markers_behind_each_other_lie_where_they_belong(seed: int) -> None:
    """What comes behind a marker of any length is aligned anew."""
    drawn = [random_marker(100 * seed + number) for number in range(4)]
    writer = CdrWriter()
    writer.write_length(len(drawn))
    for marker, points, colors in drawn:
        writer.write_message(marker, {"points": points, "colors": colors})
    read = deserialize_message(writer.to_bytes(), MarkerArray)
    assert read == MarkerArray(markers=[as_objects(*one) for one in drawn])


def others() -> list[Any]:
    rng = np.random.default_rng(7)
    info = CameraInfo(header=header(rng), d=array("d", [0.1, 0.2]), distortion_model="plumb_bob")
    info.k = rng.normal(size=9)
    info.roi.do_rectify = True
    cloud = PointCloud2(header=header(rng), width=3, point_step=4, is_dense=True)
    cloud.fields = [PointField(name=name, offset=1, datatype=7, count=1) for name in ("x", "rgb")]
    cloud.data = array("B", range(12))
    status = DiagnosticStatus(level=DiagnosticStatus.WARN, name="é", hardware_id="abc")
    status.values = [KeyValue(key="k" * count, value="v") for count in range(5)]
    return [info, cloud, DiagnosticArray(status=[status, DiagnosticStatus()]), Header()]


@pytest.mark.parametrize("message", others(), ids=lambda message: type(message).__name__)
def test_other_messages_are_read_and_as_long_as_the_middleware_s(message: Any) -> None:
    assert deserialize_message(written(message), type(message)) == message
    # The middleware fills up the last word.
    assert 0 <= len(serialize_message(message)) - len(written(message)) < 4


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.zeros((2, 3), np.float32), "points takes rows \\(N, 3\\) of float64, not"),
        (np.zeros((2, 4)), "not \\(2, 4\\)"),
        (np.zeros(6), "not \\(6,\\)"),
    ],
)
def test_rows_of_another_layout_are_refused(rows: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        written(Marker(), points=rows)


def test_an_array_for_a_field_that_is_no_row_of_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="is no row of numbers"):
        written(MarkerArray(), markers=np.zeros((1, 1)))
