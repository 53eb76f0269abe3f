"""What the capture node tells /diagnostics (REP-107)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from pifuhd_ros.ros.capture_reply import CaptureReply

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
    """Captures that ended, well or not."""
    last_failed: bool = False
    last_message: str = ""
    """What the last capture answered."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Stages of the last capture."""


class CaptureDiagnostics:
    """Publishes the node's status every second, and at once when it is updated."""

    def __init__(self, node: Node) -> None:
        """Start publishing."""
        self._node = node
        self._lock = threading.Lock()
        self._status = NodeStatus()
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        node.create_timer(PERIOD_S, self.update, callback_group=MutuallyExclusiveCallbackGroup())

    def update(self, **changes: Any) -> None:
        """Change fields of the status and publish it."""
        with self._lock:
            self._status = replace(self._status, **changes)
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


def _level(status: NodeStatus) -> bytes:
    if status.problem:
        level: bytes = DiagnosticStatus.ERROR
    elif status.last_failed:
        level = DiagnosticStatus.WARN
    else:
        level = DiagnosticStatus.OK
    return level


def _summary(status: NodeStatus) -> str:
    if status.problem:
        return status.problem
    if status.stage:
        return f"capturing: {status.stage}, {status.progress:.0%}"
    if status.last_failed:
        return f"{status.state}; last capture failed: {status.last_message}"
    return status.state
