"""One capture node with a fake reconstructor for the whole session, and who talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import fake_capture
from capture_harness import Client, FakeCamera, NodeProcess, calibration, fake_node, picture

QUICK = ("warm_up:=false", "window_s:=0.0", "preview_height_px:=32", "save_formats:=[glb, ply]")
"""Parameters that leave out what takes time."""


@dataclass(frozen=True)
class Rig:
    """An active capture node, a camera that shows one person, and a client."""

    client: Client
    camera: FakeCamera
    process: NodeProcess
    output_folder: Path
    release_file: Path
    """Its appearance ends WAIT_FOR_RELEASE."""


@pytest.fixture(scope="session")
def _session_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("capture")
    output_folder, release_file = folder / "out", folder / "release"
    client = Client()
    camera = FakeCamera(client)
    try:
        with fake_node(
            folder / "log",
            *QUICK,
            f"output_folder:={output_folder}",
            **{fake_capture.RELEASE_FILE: str(release_file)},
        ) as process:
            assert client.transition("configure")
            assert client.transition("activate")
            yield Rig(client, camera, process, output_folder, release_file)
            assert process.process.poll() is None, process.output()
    finally:
        client.close()


@pytest.fixture
def rig(_session_rig: Rig) -> Iterator[Rig]:
    """The session's node, active and idle, before a camera that shows one person."""
    _session_rig.camera.show(picture(fake_capture.ONE_PERSON))
    _session_rig.camera.camera_info = calibration()
    _session_rig.release_file.unlink(missing_ok=True)
    _session_rig.client.received["/diagnostics"].clear()
    yield _session_rig
    _session_rig.release_file.touch()
    state = _session_rig.client.state()
    assert state == "active", f"the test left the node {state}"
