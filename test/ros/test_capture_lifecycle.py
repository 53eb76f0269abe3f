"""The states of the capture node, its parameters, and its end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import fake_capture
from action_msgs.msg import GoalStatus
from capture_harness import (
    QUICK,
    Client,
    FakeCamera,
    NodeProcess,
    Rig,
    fake_node,
    picture,
    wait_until,
)

from pifuhd_ros.ros.parameters import PARAMETERS


@contextmanager
def other_node(folder: Path, name: str, *parameters: str) -> Iterator[tuple[Client, NodeProcess]]:
    """A node of one test, beside that of the session, in a namespace of its own."""
    release = {fake_capture.RELEASE_FILE: str(folder / "release")}
    log = folder / f"{name}.log"
    with fake_node(log, *QUICK, *parameters, namespace=f"/{name}", **release) as process:
        client = Client(f"{name}/capture")
        try:
            yield client, process
        finally:
            client.close()


def test_every_transition_there_and_back(rig: Rig) -> None:
    client = rig.client
    assert client.state() == "active"
    assert client.transition("deactivate")
    assert client.state() == "inactive"
    assert "the node is inactive: bring it to active first" in client.capture().message
    assert not client.send_goal().accepted
    assert client.transition("cleanup")
    assert client.state() == "unconfigured"
    assert "the node is unconfigured" in client.capture().message
    assert client.transition("configure")
    assert client.transition("activate")
    assert client.capture().success


def test_transition_that_the_state_does_not_have_kills_nothing(rig: Rig) -> None:
    answer = rig.client.start_transition("configure")
    # Kilted's rclpy answers; Jazzy's raises instead, which the node logs.
    wait_until(lambda: answer.done() or "a callback failed" in rig.process.output(), "reaction")
    assert rig.client.state() == "active"
    assert rig.client.capture().success


def test_deactivating_stops_the_running_capture(rig: Rig) -> None:
    rig.camera.show(picture(fake_capture.WAIT_FOR_RELEASE))
    running = rig.client.start_capture()
    rig.client.wait_for_stage("surface")
    assert rig.client.transition("deactivate")
    response = rig.client.result(running)
    assert (response.success, response.message) == (False, "the node is being deactivated")
    rig.camera.show(picture(fake_capture.ONE_PERSON))
    assert rig.client.transition("activate")
    assert rig.client.capture().success


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("max_frames", 0, "out of range"),
        ("window_s", 11.0, "out of range"),
        ("window_s", float("nan"), "out of range"),
        ("window_s", 1, "Wrong parameter type"),
        ("save_formats", ["glb", "exe"], "save_formats takes any of glb, obj, ply, png, not exe"),
        ("output_folder", "/", "read-only"),
        ("autostart", True, "read-only"),
    ],
)
def test_wrong_value_is_refused_with_a_reason(
    rig: Rig, name: str, value: object, reason: str
) -> None:
    (message,) = rig.client.set(**{name: value})
    assert reason in message
    assert rig.client.capture().success


def test_value_that_is_in_use_is_locked(rig: Rig) -> None:
    client = rig.client
    (reason,) = client.set(resolution=128)
    assert reason == "resolution can change only while unconfigured: deactivate and clean up first"
    (reason,) = client.set(image_transport="compressed")
    assert reason == "image_transport can change only while not active: deactivate first"
    assert client.set(resolution=256, image_transport="raw") == []
    assert client.transition("deactivate")
    (reason,) = client.set(resolution=128)
    assert "unconfigured" in reason
    (reason,) = client.set(image_transport="smoke")
    assert reason == "image_transport must be one of raw, compressed, not 'smoke'"
    assert client.set(image_reliability="reliable") == []
    assert client.set(image_reliability="auto") == []
    assert client.transition("cleanup")
    (reason,) = client.set(device="quantum")
    assert "device must look like" in reason
    (reason,) = client.set(system="magic")
    assert "system must be one of" in reason
    assert client.set(resolution=128) == []
    assert client.set(resolution=256) == []
    assert client.transition("configure")
    assert client.transition("activate")


def test_change_counts_for_the_next_capture(rig: Rig) -> None:
    assert rig.client.set(save_formats=["obj"]) == []
    try:
        (path,) = rig.client.capture("dynamic").files
        assert path.endswith("/dynamic.obj")
    finally:
        assert rig.client.set(save_formats=["glb", "ply"]) == []


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("missing", "cannot configure: missing is not a file: give a weights file"),
        ("crash", "cannot configure: unexpected RuntimeError: a bug in the loader"),
    ],
)
def test_weights_that_cannot_be_loaded_leave_the_node_unconfigured(
    rig: Rig, weights: str, words: str
) -> None:
    client = rig.client
    assert client.transition("deactivate")
    assert client.transition("cleanup")
    assert client.set(weights=weights) == []
    assert not client.transition("configure")
    assert client.state() == "unconfigured"
    wait_until(lambda: words in rig.process.output(), "log message")
    wait_until(lambda: client.diagnostics()[-1]["message"] == words, "diagnostics")
    assert client.set(weights="") == []
    assert client.transition("configure")
    assert client.transition("activate")


def ends_cleanly(process: NodeProcess, number: int = signal.SIGINT) -> bool:
    """Whether a signal ends a process with 0 and no complaint; ros2 launch sends a second one."""
    before = process.output()
    code = process.interrupt(times=2, number=number)
    said = process.output().removeprefix(before)
    assert "Traceback" not in said, said
    assert "exception" not in said, said
    assert "terminate called" not in said, said
    return code == 0


def test_wrong_value_at_the_start_is_told_and_can_be_mended(tmp_path: Path) -> None:
    with other_node(tmp_path, "wrong", "resolution:=7", "image_transport:=smoke") as (
        node,
        process,
    ):
        assert not node.transition("configure")
        assert "parameter resolution has a wrong value" in process.output()
        assert "image_transport must be one of raw, compressed, not 'smoke'" in process.output()
        assert node.state() == "unconfigured"
        assert node.set(resolution=64) == []
        assert not node.transition("configure")
        assert node.set(image_transport="raw") == []
        assert node.transition("configure")
        assert node.state() == "inactive"
        assert ends_cleanly(process)


def test_sigint_ends_an_active_node(tmp_path: Path) -> None:
    with other_node(tmp_path, "ready", "autostart:=true") as (node, process):
        wait_until(lambda: node.state() == "active", "active node")
        assert ends_cleanly(process)


def test_autostart_and_the_transition_that_ends_it_all(tmp_path: Path) -> None:
    with other_node(tmp_path, "eager", "autostart:=true") as (client, process):
        wait_until(lambda: client.state() == "active", "active node")
        assert "active: images from /eager/image" in process.output()
        camera = FakeCamera(client, "/eager/image")
        camera.show(picture(fake_capture.WAIT_FOR_RELEASE))
        running = client.start_capture()
        client.wait_for_stage("surface")
        assert client.transition("shut down while active")
        assert client.result(running).message == "the node is being shut down"
        assert client.state() == "finalized"
        assert "the node is finalized" in client.capture().message
        assert ends_cleanly(process)


def test_sigterm_ends_an_unconfigured_node(tmp_path: Path) -> None:
    with other_node(tmp_path, "idle") as (client, process):
        assert client.state() == "unconfigured"
        assert ends_cleanly(process, signal.SIGTERM)


def test_sigint_ends_a_running_capture_with_an_answer(tmp_path: Path) -> None:
    with other_node(tmp_path, "busy") as (client, process):
        assert client.transition("configure")
        assert client.transition("activate")
        camera = FakeCamera(client, "/busy/image")
        camera.show(picture(fake_capture.WAIT_FOR_RELEASE))
        goal = client.send_goal()
        wait_until(lambda: any(f.stage == "surface" for f in client.feedback), "feedback")
        result = goal.get_result_async()
        # Only a request that has arrived is answered.
        assert "a capture is running" in client.capture().message
        assert ends_cleanly(process)
        answer = client.result(result)
        assert answer.status == GoalStatus.STATUS_ABORTED
        assert answer.result.message == "the node is being shut down"


def test_every_parameter_is_described(rig: Rig) -> None:
    descriptors = rig.client.describe([spec.name for spec in PARAMETERS])
    for spec, descriptor in zip(PARAMETERS, descriptors, strict=True):
        assert descriptor.name == spec.name
        assert descriptor.description == spec.description
        assert descriptor.read_only == spec.read_only
        ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
        assert [(r.from_value, r.to_value) for r in ranges] == (
            [] if spec.minimum is None else [(spec.minimum, spec.maximum)]
        )
