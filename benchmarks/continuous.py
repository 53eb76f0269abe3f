"""Continuous capture: frame after frame through the node's stream, its steps overlapped."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from goals import GOALS
from measure import Case, peak_of, summarize

from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor
from pifuhd_ros.stages.image_io import read_frame

WARM_UP = 5
"""Frames before those that count: the stream learns what its steps take."""
STEPS = ("detect", "networks", "surface", "publish")


def continuous(
    device: torch.device, image: Path, weights: Path | None, runs: int, *, quick: bool = False
) -> Case:
    """The shipped network behind a camera that is quicker than it; every topic is published."""
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "OFF"
    import rclpy
    from rclpy.lifecycle import LifecycleNode

    from pifuhd_ros.ros.capture_outputs import CaptureOutputs
    from pifuhd_ros.ros.capture_stream import CaptureStream
    from pifuhd_ros.ros.parameters import CaptureParameters

    resolution = 64 if quick else 256
    model = PifuhdReconstructor.from_pretrained(weights, device, resolution=resolution)
    model.infer(read_frame(image))  # The first run allocates, and loads the detector.
    rclpy.init()
    node = LifecycleNode("continuous", enable_communication_interface=False)
    outputs = CaptureOutputs(node)
    node.trigger_configure()
    node.trigger_activate()
    watched = _Watched(model, outputs, WARM_UP + runs)
    stream = CaptureStream(
        _Camera(node, image),
        watched,
        watched,
        read_parameters=lambda: CaptureParameters(period_s=0.0),
        now_ns=lambda: node.get_clock().now().nanoseconds,
        describe=watched.note_failure,
    )
    stream.switch(True)
    watched.enough.wait()
    status = stream.status()
    stream.close()
    outputs.close()
    node.destroy_node()
    rclpy.shutdown()
    peak_gb = peak_of(device)
    model.close()
    if watched.failures:
        raise RuntimeError(f"a frame failed: {watched.failures[0]}")
    case = _case(watched, model.network.config.name, resolution, peak_gb, status.dropped)
    return replace(case, goal=GOALS.get(("continuous", device.type), ""))


def _case(watched: _Watched, network: str, resolution: int, peak_gb: float, dropped: int) -> Case:
    ends_s = watched.published_s
    intervals = [ends_s[i] - ends_s[i - 1] for i in range(WARM_UP, len(ends_s))]
    between = summarize(intervals)
    return Case(
        "continuous",
        f"`{network}`, {resolution}³, continuous, image to messages",
        {step: summarize(watched.steps_s[step][WARM_UP:]) for step in STEPS},
        summarize(watched.latencies_s[WARM_UP:]),
        peak_gb,
        {
            "frames_a_second": round(1 / between.median_s, 3),
            "frames_a_second_at_the_longest_interval": round(1 / between.highest_s, 3),
            "frames_a_second_at_the_shortest_interval": round(1 / between.lowest_s, 3),
            "frames": float(len(intervals)),
            "dropped_on_the_way": float(dropped),
        },
        note="detection, networks, surface and publishing overlap; the first figure is the "
        "latency, from when the first step takes a new image to the last message of its people; "
        "all topics are published, as if each were heard; the rate is that of the median interval.",
    )


class _Camera:
    """Has a new image whenever one is asked for: the shipped photo, stamped now."""

    def __init__(self, node: Any, path: Path) -> None:
        from pifuhd_ros.ros.headers import header_to_ros
        from pifuhd_ros.ros.images import image_to_ros

        self._node = node
        self._image = image_to_ros(read_frame(path).rgb, header_to_ros(0, "camera_optical_frame"))

    def follow(self, *, on_drop: Callable[[], None]) -> None:
        """There is always one."""

    def unfollow(self) -> None:
        """Nothing is kept."""

    def newest(self, *, patience_s: float, check: Callable[[], None]) -> Any:
        """A shot without calibration and depth."""
        from pifuhd_ros.ros.frame_source import Shot

        check()
        self._image.header.stamp = self._node.get_clock().now().to_msg()
        return Shot(self._image, None, None, time.monotonic())


class _Watched:
    """Reconstructor and outputs of the stream: passes everything on and keeps the times."""

    def __init__(self, model: PifuhdReconstructor, outputs: Any, count: int) -> None:
        self._model = model
        self._outputs = outputs
        self._count = count
        self.steps_s: dict[str, list[float]] = defaultdict(list)
        self.latencies_s: list[float] = []
        self.published_s: list[float] = []
        self.failures: list[str] = []
        self.enough = threading.Event()

    def detect(self, frame: Any) -> Any:
        """See ``Reconstructor``."""
        return self._timed("detect", lambda: self._model.detect(frame))

    def encode(self, frame: Any, people: Any, report: Any) -> Any:
        """See ``Reconstructor``."""
        return self._timed("networks", lambda: self._model.encode(frame, people, report))

    def extract(self, encoded: Any, report: Any) -> Any:
        """See ``Reconstructor``."""
        return self._timed("surface", lambda: self._model.extract(encoded, report))

    def publish(
        self, frame: Any, people: Sequence[Any], parameters: Any, *, only_heard: bool
    ) -> None:
        """Publishes on all topics, though nobody hears them here."""
        self._timed("publish", lambda: self._outputs.publish(frame, people, parameters))
        self.latencies_s.append(1e-9 * (time.time_ns() - frame.stamp_ns))
        self.published_s.append(time.monotonic())
        if len(self.published_s) >= self._count:
            self.enough.set()

    def note_failure(self, error: Exception) -> str:
        """A frame that fails ends the measurement."""
        self.failures.append(repr(error))
        self.enough.set()
        return self.failures[-1]

    def _timed(self, step: str, work: Callable[[], Any]) -> Any:
        start_s = time.monotonic()
        result = work()
        self.steps_s[step].append(time.monotonic() - start_s)
        return result
