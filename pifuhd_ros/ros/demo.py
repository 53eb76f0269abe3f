"""The whole way once: a camera and the capture node as processes, one call of the service.

``python -m pifuhd_ros.ros.demo --image photo.jpg --out out/``
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from pifuhd_ros.ros.capture_client import CaptureClient
from pifuhd_ros.ros.processes import ChildError, PythonChild, running
from pifuhd_ros.ros.progress_steps import in_steps
from pifuhd_ros.ros.shipped_photo import shipped_photo
from pifuhd_ros.srv import Capture
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.types import PifuhdError

IMAGE_TIMEOUT_S = 30.0
LOG_TAIL_LINES = 15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return 0 where all its files were written."""
    options = _parser().parse_args(arguments)
    # So that the children are stopped in this case, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    log = None
    try:
        with shipped_photo() as shipped:
            image = (options.image or shipped).resolve()
            # Here, where the message reaches the user, instead of in a child.
            read_frame(image)
            folder = options.out.resolve()
            folder.mkdir(parents=True, exist_ok=True)
            log = folder / "demo.log"
            log.write_bytes(b"")
            return _run(options, image=image, folder=folder, log=log)
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    except (PifuhdError, ChildError, OSError) as error:
        if log is not None:
            tail = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            print("\n".join(tail), file=sys.stderr)
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--image", type=Path, help="photo of a person (one that is shipped)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (%(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (%(default)s)")
    parser.add_argument("--weights", type=Path, help="weights file (the shipped weights)")
    parser.add_argument("--resolution", type=int, help="cells along an edge of the grid")
    parser.add_argument(
        "--timeout", type=float, default=600.0, help="for each step [s] (%(default)s)"
    )
    return parser


def _run(options: argparse.Namespace, *, image: Path, folder: Path, log: Path) -> int:
    # A domain of our own, so that no other robot on this network answers or listens.
    environment = {
        "ROS_DOMAIN_ID": str(random.randrange(1, 102)),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    }
    os.environ.update(environment)
    parameters: dict[str, str | int | bool] = {
        "output_folder": str(folder),
        "device": options.device,
        # There is only one capture, and its stages are to be seen as they are.
        "warm_up": False,
    }
    if options.weights is not None:
        parameters["weights"] = str(options.weights.resolve())
    if options.resolution is not None:
        parameters["resolution"] = options.resolution
    # JSON, for ROS reads the values as YAML, and a path may hold anything.
    pairs = [f"{name}:={json.dumps(value)}" for name, value in parameters.items()]
    ros_arguments = [argument for pair in pairs for argument in ("-p", pair)]
    print(f"image      {image}")
    children = [
        PythonChild(
            "pifuhd_ros.ros.camera_publisher", [str(image)], log=log, environment=environment
        ),
        PythonChild(
            "pifuhd_ros.ros.capture_node",
            ["--ros-args", *ros_arguments],
            log=log,
            environment=environment,
        ),
    ]
    with running(children):
        response = _capture(children, file_name=_plain_name(image), timeout_s=options.timeout)
    if not response.success:
        print(f"demo: {response.message}", file=sys.stderr)
        return 1
    _report(response)
    return 0


def _capture(
    children: Sequence[PythonChild], *, file_name: str, timeout_s: float
) -> Capture.Response:
    def check_alive() -> None:
        for child in children:
            child.check()

    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        client = CaptureClient(check_alive=check_alive, on_progress=in_steps(_print_progress))
        try:
            print("starting   the capture node loads its networks")
            client.bring_up(timeout_s)
            return client.capture(file_name, image_timeout_s=IMAGE_TIMEOUT_S, timeout_s=timeout_s)
        finally:
            client.close()
    finally:
        try_shutdown()


def _print_progress(stage: str, progress: float) -> None:
    print(f"progress   {progress:4.0%} {stage}", flush=True)


def _report(response: Capture.Response) -> None:
    for name, seconds in zip(response.stage_names, response.stage_seconds, strict=True):
        print(f"time       {seconds:7.2f} s {name}")
    for person in response.people:
        for notice in person.notices:
            print(f"notice     {notice}")
    print(f"done       {response.message}")
    for path in response.files:
        print(f"file       {path}")


def _plain_name(image: Path) -> str:
    """Return the image's name as the capture node accepts it for files."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", image.stem)[:100] or "capture"


if __name__ == "__main__":
    sys.exit(main())
