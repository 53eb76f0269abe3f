"""The parts of a capture that need no second process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import fake_capture
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus

from pifuhd_ros.geometry.cameras import camera_from_fov, project
from pifuhd_ros.ros.capture_slot import CaptureSlot, never
from pifuhd_ros.ros.capture_work import CaptureRequest, check_request, plan_files
from pifuhd_ros.ros.diagnostics import NodeStatus, status_to_ros
from pifuhd_ros.ros.frames import scaled_camera
from pifuhd_ros.ros.parameters import CaptureParameters
from pifuhd_ros.ros.preview import preview
from pifuhd_ros.ros.progress_steps import in_steps
from pifuhd_ros.ros.stage_clock import StageClock
from pifuhd_ros.ros.stream_meter import StreamMeter, StreamStatus
from pifuhd_ros.types import CaptureCancelled, ExportError, Frame, ImageError


def frame(color: tuple[int, int, int] = fake_capture.ONE_PERSON) -> Frame:
    return Frame(rgb=np.full((30, 40, 3), color, np.uint8))


def test_slot_has_room_for_one() -> None:
    slot = CaptureSlot()
    assert slot.take(never) is not None
    assert slot.is_taken
    assert slot.take(never) is None
    slot.give_back()
    assert not slot.is_taken
    assert slot.take(never) is not None


def test_ticket_ends_by_the_wish_of_the_client_or_of_the_node() -> None:
    wishes = [False, True]
    ticket = CaptureSlot().take(lambda: wishes.pop(0))
    assert ticket is not None
    ticket.check()
    with pytest.raises(CaptureCancelled, match="cancelled on request"):
        ticket.check()
    ticket.cancel("the robot goes home")
    with pytest.raises(CaptureCancelled, match="the robot goes home"):
        ticket.check()


def test_clock_adds_up_and_keeps_the_order() -> None:
    clock = StageClock()
    with pytest.raises(ValueError, match="measured"), clock.stage("first"):
        raise ValueError("measured all the same")
    clock.add({"second": 2.0})
    clock.add({"second": 1.0, "third": 4.0})
    assert list(clock.timings_s) == ["first", "second", "third"]
    assert (clock.timings_s["second"], clock.timings_s["third"]) == (3.0, 4.0)
    assert clock.timings_s["first"] > 0


def test_only_news_are_passed_on() -> None:
    told: list[tuple[str, float]] = []
    report = in_steps(lambda stage, progress: told.append((stage, progress)))
    for progress in (0.1, 0.101, 0.105, 0.2):
        report("surface", progress)
    report("texture", 0.2)
    assert told == [("surface", 0.1), ("surface", 0.2), ("texture", 0.2)]


@pytest.mark.parametrize("name", ["", "a", "photo-1", "2026-11-20_a.b", "A" * 100])
def test_plain_names_are_taken(name: str) -> None:
    check_request(CaptureRequest(file_name=name))


@pytest.mark.parametrize("name", ["..", ".a", "a/b", "a\\b", "a\0b", "a\n", " a", "-rf"])
def test_other_names_are_not(name: str) -> None:
    with pytest.raises(ExportError, match="plain name"):
        check_request(CaptureRequest(file_name=name))


def test_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    people = fake_capture.FakeReconstructor().infer(frame())
    parameters = CaptureParameters(output_folder=str(tmp_path / "file" / "folder"))
    with pytest.raises(ExportError, match=r"output_folder .* cannot be made"):
        plan_files(people, "name", parameters)


def test_nothing_is_saved_without_a_name(tmp_path: Path) -> None:
    people = fake_capture.FakeReconstructor().infer(frame())
    parameters = CaptureParameters(output_folder=str(tmp_path / "never"))
    assert plan_files(people, "", parameters) == []
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
def test_scaled_camera_sees_the_same_at_the_scaled_pixel(factor: float) -> None:
    camera = camera_from_fov(50.0, 640, 480)
    point = np.array([[0.3, -0.2, 2.0]])
    width, height = round(640 * factor), round(480 * factor)
    scaled = scaled_camera(camera, width, height)
    assert (scaled.width_px, scaled.height_px) == (width, height)
    # A pixel's centre is a whole number, so the image begins at -0.5.
    expected = (project(camera, point) + 0.5) * factor - 0.5
    np.testing.assert_allclose(project(scaled, point), expected)


def test_camera_of_another_aspect_is_refused() -> None:
    with pytest.raises(ImageError, match="640x480 pixels, the image has 640x640"):
        scaled_camera(camera_from_fov(50.0, 640, 480), 640, 640)


def test_preview_shows_the_photo_and_everybody() -> None:
    two = fake_capture.FakeReconstructor().infer(frame(fake_capture.TWO_PEOPLE))
    picture = preview(frame((10, 200, 30)), two, 24)
    assert picture.shape == (24, 32 + 4 * 24, 3)
    assert picture.dtype == np.uint8
    assert (picture[:, :32] == (10, 200, 30)).all()
    first, second = picture[:, 32:80], picture[:, 80:]
    np.testing.assert_array_equal(first, second)
    assert (first[:, :24] != first[:, 24:]).any()
    clay = [replace(two[0], mesh=replace(two[0].mesh, colors=None))]
    assert preview(frame(), clay, 24).shape == (24, 32 + 24, 3)


@pytest.mark.parametrize(
    ("status", "level", "message"),
    [
        (NodeStatus(), DiagnosticStatus.OK, "unconfigured"),
        (NodeStatus(state="active", stage="surface", progress=0.5), DiagnosticStatus.OK, "50%"),
        (NodeStatus(state="active", last_failed=True, last_message="nobody"), DiagnosticStatus.WARN,
         "active; last capture failed: nobody"),
        (NodeStatus(state="active", stream=StreamStatus(is_on=True, rate_hz=9.5, latency_s=0.25)),
         DiagnosticStatus.OK, "active; 9.5 frames a second, 0.25 s after the image"),
        (NodeStatus(state="active", stream=StreamStatus(is_on=True, problem="dark")),
         DiagnosticStatus.WARN, "active; last frame failed: dark"),
        (NodeStatus(state="active", stream=StreamStatus(problem="dark")),
         DiagnosticStatus.OK, "active"),
        (NodeStatus(problem="cannot configure"), DiagnosticStatus.ERROR, "cannot configure"),
    ],
)  # fmt: skip
def test_status_has_a_level_and_a_message(status: NodeStatus, level: bytes, message: str) -> None:
    (told,) = status_to_ros(status, name="capture: capture", stamp=Time(sec=3)).status
    assert told.level == level
    assert message in told.message


def test_status_carries_the_time_of_each_stage() -> None:
    status = NodeStatus(timings_s={"detect": 0.25, "surface": 1.5})
    array = status_to_ros(status, name="robot/capture: capture", stamp=Time(sec=3))
    assert array.header.stamp.sec == 3
    (told,) = array.status
    assert told.name == "robot/capture: capture"
    values = {entry.key: entry.value for entry in told.values}
    assert (values["detect [s]"], values["surface [s]"]) == ("0.250", "1.500")


def test_meter_counts_and_forgets_what_was_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("pifuhd_ros.ros.stream_meter.time.monotonic", lambda: now_s)
    meter = StreamMeter()
    assert meter.status(is_on=True, steps_s={}) == StreamStatus(is_on=True)
    meter.count_published(latency_s=9.0, since_arrival_s=8.0)
    now_s = 200.0
    for latency_s in (0.1, 0.4, 0.2):
        meter.count_published(latency_s=latency_s, since_arrival_s=latency_s / 2)
        now_s += 0.5
    meter.count_dropped()
    meter.count_failed("nobody")
    status = meter.status(is_on=True, steps_s={"detect": 0.1})
    assert (status.published, status.dropped, status.failed) == (4, 1, 1)
    assert (status.latency_s, status.worst_latency_s, status.since_arrival_s) == (0.2, 0.4, 0.1)
    assert status.rate_hz == pytest.approx(2.0)
    assert status.problem == "nobody"
    meter.count_published(latency_s=0.1, since_arrival_s=0.1)
    assert meter.status(is_on=True, steps_s={}).problem == ""
    now_s = 300.0
    assert meter.status(is_on=True, steps_s={}).rate_hz == 0.0
