"""One capture node with a fake reconstructor for the whole session, and who talks to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from capture_harness import Rig

# Read when messages are imported: from then on the type of every assigned field is checked.
os.environ.setdefault("ROS_PYTHON_CHECK_FIELDS", "1")

# ROS is imported in the fixtures: some tests in this folder need none.


@pytest.fixture(scope="session")
def _session_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    import fake_capture
    from capture_harness import QUICK, Client, FakeCamera, Rig, fake_node

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
    import fake_capture
    from capture_harness import calibration, picture

    _session_rig.camera.show(picture(fake_capture.ONE_PERSON))
    _session_rig.camera.camera_info = calibration()
    _session_rig.camera.stamps_now = False
    _session_rig.release_file.unlink(missing_ok=True)
    _session_rig.client.forget_diagnostics()
    yield _session_rig
    _session_rig.release_file.touch()
    state = _session_rig.client.state()
    assert state == "active", f"the test left the node {state}"
