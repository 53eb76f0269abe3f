"""Continuous capture over real DDS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import fake_capture
from capture_harness import LATCHED, Rig, picture, wait_until
from diagnostic_msgs.msg import DiagnosticStatus
from visualization_msgs.msg import MarkerArray

from pifuhd_ros.msg import PersonMesh
from pifuhd_ros.ros.headers import stamp_ns_from_ros


def streaming(rig: Rig) -> list[dict[str, str]]:
    """What the diagnostics have said of the stream."""
    return [status for status in rig.client.diagnostics() if "stream published" in status]


def wait_for_status(rig: Rig, done: Callable[[dict[str, str]], bool], what: str) -> dict[str, str]:
    def newest() -> dict[str, str] | None:
        statuses = streaming(rig)
        return statuses[-1] if statuses and done(statuses[-1]) else None

    status: dict[str, str] = wait_until(newest, what)
    return status


@dataclass(frozen=True)
class Stream(Rig):
    """The session's node in continuous capture, before a camera whose images bear their time."""

    meshes: list[Any]
    """What has come on ~/mesh; first the last ones of earlier tests."""

    def now_ns(self) -> int:
        """By the clock of the camera's stamps."""
        return int(self.client.node.get_clock().now().nanoseconds)

    def slow_meshes(self, since_ns: int) -> list[Any]:
        """Those of SLOW images since then; they tell how many steps were busy at once."""
        return [
            mesh
            for mesh in list(self.meshes)
            if stamp_ns_from_ros(mesh.header.stamp) > since_ns
            and "steps at once" in " ".join(mesh.notices)
        ]


@pytest.fixture
def stream(rig: Rig) -> Iterator[Stream]:
    """See ``Stream``."""
    # Whatever was asked for before, nothing is wrong now.
    assert rig.client.capture().success
    rig.camera.stamps_now = True
    with rig.client.listening(PersonMesh, "/capture/mesh", LATCHED) as meshes:
        assert rig.client.set(continuous=True) == []
        yield Stream(**vars(rig), meshes=meshes)
        assert rig.client.set(continuous=False) == []


def test_frame_after_frame_is_published_in_order_and_told(stream: Stream) -> None:
    begun_ns = stream.now_ns()
    stream.camera.show(picture(fake_capture.SLOW))
    meshes = wait_until(
        lambda: m if len(m := stream.slow_meshes(begun_ns)) >= 20 else None, "20 meshes"
    )
    stamps_ns = [stamp_ns_from_ros(mesh.header.stamp) for mesh in meshes]
    assert all(later > earlier for earlier, later in pairwise(stamps_ns))

    def slow_steps_told(status: dict[str, str]) -> bool:
        steps_s = [float(status[f"stream {s} [s]"]) for s in ("detect", "networks", "surface")]
        latency_s = float(status["stream latency [s]"])
        # Each frame passes three; the camera is quicker.
        return (
            min(steps_s) >= 0.95 * fake_capture.STEP_S
            and latency_s >= 3 * 0.95 * fake_capture.STEP_S
            and float(status["stream rate [1/s]"]) > 0
            and int(status["stream dropped"]) > 0
        )

    status = wait_for_status(stream, slow_steps_told, "times of the slow steps")
    assert float(status["stream latency [s]"]) <= float(status["stream worst latency [s]"])
    assert 0 < float(status["stream since arrival [s]"]) <= float(status["stream latency [s]"])
    assert (status["stream problem"], status["level"]) == ("", str(DiagnosticStatus.OK[0]))
    assert "frames a second" in status["message"]


def test_slow_steps_overlap(stream: Stream) -> None:
    begun_ns = stream.now_ns()
    stream.camera.show(picture(fake_capture.SLOW))
    wait_until(
        lambda: any("3 steps at once" in mesh.notices for mesh in stream.slow_meshes(begun_ns)),
        "meeting of the three slow steps",
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (fake_capture.NOBODY, "no person was found"),
        (fake_capture.CRASH, "unexpected RuntimeError: a bug in the networks"),
        (next(iter(fake_capture.OUT_OF_MEMORY)), "out of memory: lower resolution"),
        (fake_capture.NO_SURFACE, "the field has no surface"),
    ],
)
def test_frames_that_fail_do_not_stop_the_stream(
    stream: Stream, command: tuple[int, int, int], words: str
) -> None:
    stream.camera.show(picture(command))
    status = wait_for_status(stream, lambda s: words in s["stream problem"], "failure")
    assert status["level"] == str(DiagnosticStatus.WARN[0])
    assert words in status["message"]
    wait_until(lambda: words in stream.process.output(), "log message")
    stream.camera.show(picture(fake_capture.ONE_PERSON))
    before = len(stream.meshes)
    wait_until(lambda: len(stream.meshes) >= before + 3, "meshes")
    wait_for_status(stream, lambda s: s["stream problem"] == "", "recovery")


def test_broken_image_does_not_stop_the_stream(stream: Stream) -> None:
    broken = picture(fake_capture.ONE_PERSON)
    broken.encoding = "nonsense8"
    stream.camera.show(broken)
    wait_for_status(stream, lambda s: "nonsense8" in s["stream problem"], "failure")
    stream.camera.show(picture(fake_capture.ONE_PERSON))
    wait_until(lambda: stream.meshes, "mesh")


def test_capture_on_request_has_its_turn(stream: Stream) -> None:
    stream.camera.show(picture(fake_capture.SLOW))
    wait_until(lambda: len(stream.meshes) >= 3, "meshes")
    for _ in range(3):
        assert stream.client.capture().success
    goal = stream.client.send_goal()
    assert goal.accepted
    assert stream.client.result(goal.get_result_async()).result.success
    before = len(stream.meshes)
    wait_until(lambda: len(stream.meshes) >= before + 5, "meshes after the request")


def hold_a_frame_up(stream: Stream) -> None:
    """Have one frame wait for its release."""
    before = stream.process.output().count(fake_capture.WAITING)
    stream.camera.show(picture(fake_capture.WAIT_FOR_RELEASE))
    wait_until(
        lambda: stream.process.output().count(fake_capture.WAITING) > before, "frame that waits"
    )


def test_request_can_be_cancelled_while_it_waits_for_its_turn(stream: Stream) -> None:
    hold_a_frame_up(stream)
    goal = stream.client.send_goal()
    assert goal.accepted
    stream.client.result(goal.cancel_goal_async())
    answer = stream.client.result(goal.get_result_async())
    assert answer.result.message == "cancelled on request"
    stream.release_file.touch()
    stream.camera.show(picture(fake_capture.ONE_PERSON))
    wait_until(lambda: len(stream.meshes) >= 3, "meshes")


def test_deactivating_ends_the_stream_and_loses_the_frame_on_its_way(stream: Stream) -> None:
    hold_a_frame_up(stream)
    assert stream.client.transition("deactivate")
    inactive_ns = stream.now_ns()
    stream.release_file.touch()
    # What it sees while it is inactive never comes out.
    stream.camera.show(picture(fake_capture.SLOW))
    time.sleep(0.3)
    stream.camera.show(picture(fake_capture.ONE_PERSON))
    assert stream.client.transition("activate")
    active_ns = stream.now_ns()
    wait_until(
        lambda: any(stamp_ns_from_ros(m.header.stamp) > active_ns for m in list(stream.meshes)),
        "mesh after activation",
    )
    assert not stream.slow_meshes(inactive_ns)


def _rests(stream: Stream) -> bool:
    before = len(stream.meshes)
    time.sleep(0.5)
    return len(stream.meshes) == before


def test_stream_ends_when_told(stream: Stream) -> None:
    for _ in range(3):
        wait_until(lambda: len(stream.meshes) >= 12, "meshes")
        assert stream.client.set(continuous=False) == []
        # What is on the way comes out first, however slow the machine is.
        wait_until(lambda: _rests(stream), "an end of the meshes")
        off = lambda: "stream published" not in stream.client.diagnostics()[-1]  # noqa: E731
        wait_until(off, "diagnostics without a stream")
        stream.meshes.clear()
        assert stream.client.set(continuous=True) == []


def test_markers_of_the_stream_are_read_by_an_ordinary_subscriber(stream: Stream) -> None:
    stream.camera.show(picture(fake_capture.TWO_PEOPLE))
    with stream.client.listening(MarkerArray, "/capture/markers", LATCHED) as arrays:
        full = wait_until(lambda: [m for m in arrays if len(m.markers) == 7], "markers")
    markers = full[0].markers
    faces = len(fake_capture.ball(0).faces)
    assert [len(marker.points) for marker in markers] == [0, 3 * faces, 24, 0, 3 * faces, 24, 0]
    assert [len(marker.colors) for marker in markers] == [0, 3 * faces, 0, 0, 3 * faces, 0, 0]
