"""The launch file: what it says everywhere, what it does where launch is installed."""

from __future__ import annotations

import ast
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

from capture_harness import ENVIRONMENT, TIMEOUT_S, Client, wait_until

from pifuhd_ros.ros.parameters import PARAMETERS

LAUNCH_FILE = Path(__file__).resolve().parents[2] / "launch" / "capture.launch.py"
RUN = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
source = PythonLaunchDescriptionSource(sys.argv[1])
arguments = [argument.split(":=", 1) for argument in sys.argv[2:]]
service = LaunchService()
include = IncludeLaunchDescription(source, launch_arguments=arguments)
service.include_launch_description(LaunchDescription([include]))
sys.exit(service.run())
"""


def parameter_arguments() -> tuple[tuple[str, str], ...]:
    """The launch arguments that set a parameter, read without launch."""
    for node in ast.parse(LAUNCH_FILE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_PARAMETER_ARGUMENTS":
            return ast.literal_eval(node.value)
    raise AssertionError("no _PARAMETER_ARGUMENTS")


def test_arguments_that_set_parameters_name_parameters_of_strings() -> None:
    defaults = {spec.name: spec.default for spec in PARAMETERS}
    arguments = parameter_arguments()
    assert arguments
    for name, _ in arguments:
        # Launch would make a number of a string that looks like one; these never do.
        assert isinstance(defaults[name], str)


@pytest.fixture
def launch_ros_here() -> None:
    """Skip where launch_ros or the installed package is missing."""
    if importlib.util.find_spec("launch_ros") is None:
        pytest.skip("launch_ros is not installed; it is not on PyPI, only in a ROS distribution")
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        get_package_prefix("pifuhd_ros")
    except PackageNotFoundError:
        pytest.skip("pifuhd_ros is not installed in a ROS workspace: colcon build, then source it")


@pytest.mark.usefixtures("launch_ros_here")
def test_every_argument_is_described() -> None:
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    from launch import LaunchContext

    source = PythonLaunchDescriptionSource(str(LAUNCH_FILE))
    arguments = source.get_launch_description(LaunchContext()).get_launch_arguments()
    names = {argument.name for argument in arguments}
    assert {"image_topic", "camera_info_topic", "namespace", "params_file"} <= names
    assert {name for name, _ in parameter_arguments()} <= names
    assert all(argument.description.endswith(".") for argument in arguments)


@pytest.mark.usefixtures("launch_ros_here")
def test_launch_brings_the_node_up_active_and_ends_it_cleanly(tmp_path: Path) -> None:
    parameters = tmp_path / "parameters.yaml"
    parameters.write_text("/**:\n  ros__parameters:\n    warm_up: false\n    max_frames: 3\n")
    arguments = [
        "namespace:=robot",
        "image_topic:=/front/image_raw",
        "image_transport:=compressed",
        "device:=cpu",
        f"params_file:={parameters}",
    ]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(LAUNCH_FILE), *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT, "ROS_LOG_DIR": str(tmp_path)},
            start_new_session=True,
        )
    client = Client("robot/capture")
    try:
        wait_until(lambda: client.state() == "active", "active node")
        topics = dict(client.node.get_topic_names_and_types())
        assert "/front/image_raw/compressed" in topics
        assert "/front/camera_info" in topics
        assert "/robot/capture/mesh" in topics
        # As ctrl-C does: to everyone in the terminal.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(TIMEOUT_S)
        said = log.read_text(errors="replace")
        assert "process has finished cleanly" in said
        assert "Traceback" not in said
    finally:
        client.close()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
