"""The capture node over real DDS: the service, the topics, and input that is wrong."""

from __future__ import annotations

import math
from array import array
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import fake_capture
import numpy as np
from capture_harness import (
    FRAME_ID,
    HEIGHT,
    LATCHED,
    WIDTH,
    Rig,
    broken_picture,
    calibration,
    picture,
    wait_until,
)
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

from pifuhd_ros.msg import PersonMesh
from pifuhd_ros.ros.headers import stamp_ns_from_ros
from pifuhd_ros.ros.person_meshes import person_mesh_from_ros
from pifuhd_ros.ros.points import points_from_ros

STAMP_NS = 12_000_000_345


def test_service_answers_with_the_person(rig: Rig) -> None:
    response = rig.client.capture()
    assert response.success, response.message
    assert response.message.startswith("1 person reconstructed")
    assert response.files == []
    (person,) = response.people
    assert stamp_ns_from_ros(person.header.stamp) == STAMP_NS
    assert person.header.frame_id == FRAME_ID
    assert (person.system, person.scale_source) == ("pifuhd", "stature_prior")
    assert list(person.notices) == []
    expected = fake_capture.ball(0)
    mesh = person_mesh_from_ros(person)
    np.testing.assert_array_equal(mesh.vertices, expected.vertices)
    np.testing.assert_array_equal(mesh.faces, expected.faces)
    np.testing.assert_array_equal(mesh.colors, expected.colors)


def test_service_tells_the_time_of_each_stage(rig: Rig) -> None:
    response = rig.client.capture()
    seconds = dict(zip(response.stage_names, response.stage_seconds, strict=True))
    assert list(seconds) == ["image", "select", "detect", "surface", "texture", "publish"]
    assert seconds["surface"] == 0.5
    assert all(value > 0 for value in seconds.values())


def test_results_reach_late_subscribers_with_the_header_of_the_image(rig: Rig) -> None:
    stamp_ns = STAMP_NS + 1
    rig.camera.show(picture(fake_capture.TWO_PEOPLE, stamp_ns))
    assert rig.client.capture().success
    topics: dict[str, type[Any]] = {
        "/capture/mesh": PersonMesh,
        "/capture/points": PointCloud2,
        "/capture/markers": MarkerArray,
        "/capture/preview": Image,
    }
    for topic, message_type in topics.items():
        rig.client.listen(message_type, topic, LATCHED)

    def with_stamp(topic: str) -> list[Any]:
        messages = rig.client.received[topic]
        return [m for m in messages if stamp_ns_from_ros(m.header.stamp) == stamp_ns]

    meshes = wait_until(lambda: m if len(m := with_stamp("/capture/mesh")) == 2 else None, "meshes")
    (cloud,) = wait_until(lambda: with_stamp("/capture/points"), "points")
    (shown,) = wait_until(lambda: with_stamp("/capture/preview"), "preview")
    (markers,) = wait_until(lambda: list(rig.client.received["/capture/markers"]), "markers")
    headers = [*(m.header for m in meshes), cloud.header, shown.header]
    headers += [marker.header for marker in markers.markers]
    assert all(header.frame_id == FRAME_ID for header in headers)
    assert all(stamp_ns_from_ros(header.stamp) == stamp_ns for header in headers)
    both = np.concatenate([fake_capture.ball(0).vertices, fake_capture.ball(1).vertices])
    np.testing.assert_array_equal(points_from_ros(cloud).vertices, both)
    assert (shown.height, shown.encoding) == (32, "rgb8")
    assert shown.width > 2 * shown.height
    kinds = [marker.type for marker in markers.markers if marker.action == Marker.ADD]
    one = [Marker.TRIANGLE_LIST, Marker.LINE_LIST, Marker.TEXT_VIEW_FACING]
    assert kinds == one * 2


def test_files_are_written_for_each_person(rig: Rig) -> None:
    response = rig.client.capture("first")
    assert response.files == [str(rig.output_folder / f"first.{end}") for end in ("glb", "ply")]
    assert (rig.output_folder / "first.glb").read_bytes().startswith(b"glTF")
    rig.camera.show(picture(fake_capture.TWO_PEOPLE))
    response = rig.client.capture("both")
    names = [path.removeprefix(f"{rig.output_folder}/") for path in response.files]
    assert names == ["both_1.glb", "both_1.ply", "both_2.glb", "both_2.ply"]
    assert all((rig.output_folder / name).stat().st_size > 0 for name in names)


@pytest.mark.parametrize(
    "name",
    ["../escape", "/tmp/escape", "a/b", ".hidden", "..", "a b", "a\nb", "$HOME", "a" * 101, "ä"],
)
def test_file_name_that_is_more_than_a_name_is_refused(rig: Rig, name: str) -> None:
    before = sorted(rig.output_folder.parent.rglob("*"))
    response = rig.client.capture(name)
    assert not response.success
    assert "file_name must be a plain name" in response.message
    assert sorted(rig.output_folder.parent.rglob("*")) == before


@pytest.mark.parametrize("timeout_s", [-1.0, math.nan, math.inf])
def test_timeout_that_is_no_time_is_refused(rig: Rig, timeout_s: float) -> None:
    response = rig.client.capture(timeout_s=timeout_s)
    assert not response.success
    assert "timeout_s must be 0 or more seconds" in response.message


def test_no_image_within_the_timeout(rig: Rig) -> None:
    rig.camera.show(None)

    def failed() -> Any:
        response = rig.client.capture(timeout_s=0.2)
        return None if response.success else response

    # An image may still be on its way.
    response = wait_until(failed, "failure")
    assert "no image within 0.2 s" in response.message
    assert "/image has a publisher, but no message arrived" in response.message
    assert list(response.stage_names) == []
    rig.camera.show(picture(fake_capture.ONE_PERSON))
    assert rig.client.capture().success


BROKEN: dict[str, tuple[Image, str]] = {
    "unknown encoding": (broken_picture(encoding="nonsense8"), "nonsense8"),
    "empty encoding": (broken_picture(encoding=""), "encoding"),
    "no size": (broken_picture(width=0, height=0, step=0, data=array("B")), "no pixels"),
    "no height": (broken_picture(height=0, data=array("B")), "no pixels"),
    "too few bytes": (broken_picture(data=array("B", [1, 2, 3])), "bytes"),
    "step too small": (broken_picture(step=1), "step"),
    "absurd size": (broken_picture(width=2**31, height=2**31), "more than 64 megapixels"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_image_is_answered_and_the_node_goes_on(rig: Rig, what: str) -> None:
    image, words = BROKEN[what]
    rig.camera.show(image)
    response = rig.client.capture()
    assert not response.success
    assert words in response.message, response.message
    rig.camera.show(picture(fake_capture.ONE_PERSON))
    assert rig.client.capture().success


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (fake_capture.NOBODY, "no person was found: step in front of the camera"),
        (fake_capture.NO_SURFACE, "the field has no surface"),
        (fake_capture.CRASH, "unexpected RuntimeError: a bug in the networks"),
    ],
)
def test_failed_reconstruction_is_answered_and_the_node_goes_on(
    rig: Rig, command: tuple[int, int, int], words: str
) -> None:
    rig.camera.show(picture(command))
    response = rig.client.capture("never")
    assert (response.success, response.message) == (False, words)
    assert list(response.people) == [] == list(response.files)
    wait_until(lambda: words in rig.process.output(), "log message")
    rig.camera.show(picture(fake_capture.ONE_PERSON))
    assert rig.client.capture().success


@pytest.mark.parametrize("command", fake_capture.OUT_OF_MEMORY, ids=str)
def test_running_out_of_memory_is_answered_with_what_to_do_and_survived(
    rig: Rig, command: tuple[int, int, int]
) -> None:
    rig.camera.show(picture(command))
    response = rig.client.capture()
    assert not response.success
    assert response.message.startswith("out of memory: lower resolution or max_people, ")
    assert str(fake_capture.OUT_OF_MEMORY[command]) in response.message
    told = wait_until(
        lambda: [s for s in rig.client.diagnostics() if s["last capture"] == response.message],
        "diagnostics",
    )
    assert told[-1]["level"] == str(DiagnosticStatus.WARN[0])
    rig.camera.show(picture(fake_capture.ONE_PERSON))
    assert rig.client.capture().success


def test_crash_leaves_its_traceback_in_the_log(rig: Rig) -> None:
    rig.camera.show(picture(fake_capture.CRASH))
    rig.client.capture()
    wait_until(
        lambda: 'raise RuntimeError("a bug in the networks")' in rig.process.output(), "trace"
    )


def test_calibration_of_another_size_is_scaled_and_said(rig: Rig) -> None:
    rig.camera.camera_info = calibration(2 * WIDTH, 2 * HEIGHT)
    (notice,) = wait_until(lambda: list(rig.client.capture().people[0].notices), "notice")
    assert "was scaled" in notice
    assert f"{2 * WIDTH}x{2 * HEIGHT}" in notice


def test_calibration_of_another_camera_is_refused(rig: Rig) -> None:
    rig.camera.camera_info = calibration(WIDTH, 2 * HEIGHT)

    def refused() -> bool:
        response = rig.client.capture()
        return not response.success and "remap camera_info" in response.message

    # The first capture may still know the calibration before.
    wait_until(refused, "refusal")
    rig.camera.camera_info = calibration()
    wait_until(lambda: rig.client.capture().success, "capture with the right calibration")


def test_uncalibrated_camera_is_said(rig: Rig) -> None:
    rig.camera.camera_info = CameraInfo(width=WIDTH, height=HEIGHT)
    notices = wait_until(lambda: list(rig.client.capture().people[0].notices), "notice")
    assert notices == ["No calibration."]


def test_depth_goes_with_the_image(rig: Rig) -> None:
    depth = Image(header=picture((0, 0, 0)).header, width=WIDTH, height=HEIGHT)
    depth.encoding, depth.step = "32FC1", 4 * WIDTH
    depth.data = array("B", np.full(WIDTH * HEIGHT, 2.5, np.float32).tobytes())
    publisher = rig.client.node.create_publisher(Image, "/depth", 1)
    timer = rig.client.node.create_timer(0.03, lambda: publisher.publish(depth))
    try:
        used = lambda: rig.client.capture().people[0].scale_source == "depth"  # noqa: E731
        wait_until(used, "depth")
        depth.encoding = "rgb8"
        notices = wait_until(lambda: list(rig.client.capture().people[0].notices), "notice")
        assert "The depth image was not used" in notices[0]
    finally:
        rig.client.node.destroy_timer(timer)
        rig.client.node.destroy_publisher(publisher)


def test_second_request_during_a_capture_is_refused_at_once(rig: Rig) -> None:
    rig.camera.show(picture(fake_capture.WAIT_FOR_RELEASE))
    first = rig.client.start_capture()
    rig.client.wait_for_stage("surface")
    second = rig.client.capture()
    assert not second.success
    assert "a capture is running" in second.message
    assert not first.done()
    rig.release_file.touch()
    assert rig.client.result(first).success


def test_diagnostics_follow_the_capture(rig: Rig) -> None:
    rig.camera.show(picture(fake_capture.WAIT_FOR_RELEASE))
    running = rig.client.start_capture()
    rig.client.wait_for_stage("surface")
    rig.release_file.touch()
    response = rig.client.result(running)
    statuses = rig.client.diagnostics
    during = [s for s in statuses() if s["stage"]]
    # An earlier capture may have said the same.
    count = int(during[0]["captures"]) + 1
    done = wait_until(lambda: [s for s in statuses() if int(s["captures"]) == count], "end")
    assert done[-1]["last capture"] == response.message
    during = [s for s in statuses() if s["stage"]]
    stages = list(dict.fromkeys(status["stage"] for status in during))
    assert stages == ["image", "select", "detect", "surface", "texture", "publish"]
    progress = [float(status["progress"]) for status in during]
    assert progress == sorted(progress)
    assert 0 <= progress[0] < progress[-1] <= 1
    assert (done[-1]["state"], done[-1]["surface [s]"]) == ("active", "0.500")
    rig.camera.show(picture(fake_capture.NOBODY))
    rig.client.capture()
    warning = str(DiagnosticStatus.WARN[0])
    failed = wait_until(lambda: [s for s in statuses() if s["level"] == warning], "warning")
    assert "no person was found" in failed[0]["message"]
