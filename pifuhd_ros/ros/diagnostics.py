"""What the capture node tells /diagnostics (REP-107)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from pifuhd_ros.ros.capture_reply import CaptureReply
from pifuhd_ros.ros.stream_meter import StreamStatus

PERIOD_S = 1.0


@dataclass(frozen=True)
class NodeStatus:
    """The node at one moment, as an operator wants to see it."""

    state: str = "unconfigured"
    """Lifecycle state."""
    problem: str = ""
    """Why the node could not be configured or activated, or "" where nothing is wrong."""
    stage: str = ""
    """Stage of the running capture, or "" where none runs."""
    progress: float = 0.0
    """Fraction of the running capture in [0, 1]."""
    image_topic: str = ""
    captures: int = 0
    """Captures on request that ended, well or not."""
    last_failed: bool = False
    last_message: str = ""
    """What the last capture answered."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Stages of the last capture."""
    stream: StreamStatus = field(default_factory=StreamStatus)
    """Continuous capture."""


class CaptureDiagnostics:
    """Publishes the node's status every second, and at once when it is updated."""

    def __init__(self, node: Node, stream_status: Callable[[], StreamStatus]) -> None:
        """Start publishing.

        Args:
            node: The node whose status it is.
            stream_status: Says how continuous capture goes.
        """
        self._node = node
        self._stream_status = stream_status
        self._lock = threading.Lock()
        self._status = NodeStatus()
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        node.create_timer(PERIOD_S, self.update, callback_group=MutuallyExclusiveCallbackGroup())

    def update(self, **changes: Any) -> None:
        """Change fields of the status and publish it."""
        with self._lock:
            self._status = replace(self._status, **changes, stream=self._stream_status())
            stamp = self._node.get_clock().now().to_msg()
            name = f"{self._node.get_fully_qualified_name().lstrip('/')}: capture"
            self._publisher.publish(status_to_ros(self._status, name=name, stamp=stamp))

    def end_capture(self, reply: CaptureReply) -> None:
        """Publish what the last capture answered."""
        self.update(
            stage="",
            progress=0.0,
            captures=self._status.captures + 1,
            last_failed=not reply.success,
            last_message=reply.message,
            timings_s=reply.timings_s,
        )


def status_to_ros(status: NodeStatus, *, name: str, stamp: Time) -> DiagnosticArray:
    """Return the status as a message for /diagnostics."""
    values = {
        "state": status.state,
        "problem": status.problem,
        "stage": status.stage,
        "progress": f"{status.progress:.3f}",
        "image topic": status.image_topic,
        "captures": str(status.captures),
        "last capture": status.last_message,
    }
    values |= {f"{stage} [s]": f"{seconds:.3f}" for stage, seconds in status.timings_s.items()}
    if status.stream.is_on:
        values |= _stream_values(status.stream)
    message = DiagnosticArray()
    message.header.stamp = stamp
    message.status = [
        DiagnosticStatus(
            level=_level(status),
            name=name,
            message=_summary(status),
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
    ]
    return message


def _stream_values(stream: StreamStatus) -> dict[str, str]:
    values = {
        "stream rate [1/s]": f"{stream.rate_hz:.2f}",
        "stream latency [s]": f"{stream.latency_s:.3f}",
        "stream worst latency [s]": f"{stream.worst_latency_s:.3f}",
        "stream since arrival [s]": f"{stream.since_arrival_s:.3f}",
        "stream published": str(stream.published),
        "stream dropped": str(stream.dropped),
        "stream failed": str(stream.failed),
        "stream problem": stream.problem,
    }
    return values | {f"stream {step} [s]": f"{s:.3f}" for step, s in stream.steps_s.items()}


def _level(status: NodeStatus) -> bytes:
    if status.problem:
        level: bytes = DiagnosticStatus.ERROR
    elif status.last_failed or _stream_problem(status):
        level = DiagnosticStatus.WARN
    else:
        level = DiagnosticStatus.OK
    return level


def _summary(status: NodeStatus) -> str:
    if status.problem:
        return status.problem
    if status.stage:
        return f"capturing: {status.stage}, {status.progress:.0%}"
    if _stream_problem(status):
        return f"{status.state}; last frame failed: {status.stream.problem}"
    if status.last_failed:
        return f"{status.state}; last capture failed: {status.last_message}"
    if status.stream.is_on:
        rate_hz, latency_s = status.stream.rate_hz, status.stream.latency_s
        return f"{status.state}; {rate_hz:.1f} frames a second, {latency_s:.2f} s after the image"
    return status.state


def _stream_problem(status: NodeStatus) -> str:
    return status.stream.problem if status.stream.is_on else ""
