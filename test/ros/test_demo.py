"""The demo from end to end: processes, DDS, the service, files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

from pifuhd_ros.networks.weights import default_weights_path
from pifuhd_ros.ros.processes import ChildError, PythonChild, running
from pifuhd_ros.ros.shipped_photo import shipped_photo

TIMEOUT_S = 300.0


def start_demo(*arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pifuhd_ros.ros.demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def processes_naming(text: str) -> list[str]:
    """Command lines of running processes that hold a text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if text in command:
            found.append(command)
    return found


def test_demo_leaves_meshes_and_a_picture_of_the_shipped_photo(tmp_path: Path) -> None:
    if not default_weights_path().exists():
        pytest.skip("the package has no weights yet")
    folder = tmp_path / "out: with spaces"
    demo = start_demo("--out", str(folder), "--resolution", "128")
    said, errors = demo.communicate(timeout=TIMEOUT_S)
    assert demo.returncode == 0, errors
    files = [line.split(maxsplit=1)[1] for line in said.splitlines() if line.startswith("file ")]
    assert files == [str(folder / f"demo.{ending}") for ending in ("glb", "ply", "png")]
    starts = [b"glTF", b"ply\n", b"\x89PNG"]
    assert [Path(file).read_bytes()[:4] for file in files] == starts
    stages = [line.split()[3:] for line in said.splitlines() if line.startswith("time ")]
    assert {("detect",), ("surface",), ("publish",), ("turntable",)} <= {tuple(s) for s in stages}
    assert "% surface" in said
    assert "The camera is not calibrated" in said
    assert processes_naming(str(folder)) == []


def test_demo_tells_what_is_wrong_with_an_image(tmp_path: Path) -> None:
    demo = start_demo("--image", str(tmp_path / "nothing.png"), "--out", str(tmp_path))
    _, errors = demo.communicate(timeout=TIMEOUT_S)
    assert demo.returncode == 1
    assert "nothing.png is not a file" in errors
    assert "Traceback" not in errors


def test_demo_tells_what_the_capture_node_could_not_do(tmp_path: Path) -> None:
    weights = tmp_path / "none.safetensors"
    demo = start_demo("--weights", str(weights), "--out", str(tmp_path))
    _, errors = demo.communicate(timeout=TIMEOUT_S)
    assert demo.returncode == 1
    assert "demo: cannot configure" in errors
    assert str(weights) in errors
    assert "Traceback" not in errors
    assert processes_naming(str(tmp_path)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_demo_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    demo = start_demo("--out", str(tmp_path), start_new_session=True)
    assert demo.stdout is not None
    lines = iter(demo.stdout.readline, "")
    assert any(line.startswith("starting") for line in lines)
    assert processes_naming(str(tmp_path))
    os.kill(demo.pid, number)
    demo.wait(TIMEOUT_S)
    assert demo.returncode == 128 + number
    assert processes_naming(str(tmp_path)) == []


def check_for_a_while(child: PythonChild) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        child.check()
        time.sleep(0.01)


def test_dead_child_is_noticed_and_the_others_are_stopped(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    script = tmp_path / "child_that_sleeps.py"
    script.write_text("import sys, time\nif len(sys.argv) > 1: sys.exit(3)\ntime.sleep(1000)\n")
    environment = {"PYTHONPATH": str(tmp_path)}
    sleeper, failure = (
        PythonChild("child_that_sleeps", arguments, log=log, environment=environment)
        for arguments in ([], ["now"])
    )
    with running([sleeper, failure]):
        sleeper.check()
        with pytest.raises(ChildError, match="ended with exit code 3"):
            check_for_a_while(failure)
    with pytest.raises(ChildError):
        sleeper.check()


def test_shipped_photo_is_there() -> None:
    with shipped_photo() as path:
        assert path.read_bytes().startswith(b"\x89PNG")
