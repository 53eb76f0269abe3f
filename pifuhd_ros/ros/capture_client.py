"""Drives a capture node from outside, as the demo does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor

from pifuhd_ros.ros.question import Question
from pifuhd_ros.srv import Capture
from pifuhd_ros.types import OnProgress, PifuhdError

SPIN_S = 0.1


class ClientError(PifuhdError):
    """The capture node did not do what it was asked for."""


class CaptureClient:
    """Client of one capture node; call it from one thread.

    Every wait calls ``check_alive``, so that a dead process is noticed at once.
    """

    def __init__(
        self,
        *,
        capture_node: str = "/capture",
        check_alive: Callable[[], None],
        on_progress: OnProgress,
    ) -> None:
        """Make the clients.

        Args:
            capture_node: Full name of the node.
            check_alive: Called while waiting; what it raises ends the wait.
            on_progress: Told the stage and the fraction of a running capture.
        """
        self._check_alive = check_alive
        self._on_progress = on_progress
        self._status_name = f"{capture_node.lstrip('/')}: capture"
        self._node = rclpy.create_node("capture_client")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._change_state = self._node.create_client(ChangeState, f"{capture_node}/change_state")
        self._capture = self._node.create_client(Capture, f"{capture_node}/capture")
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        # Made last, announced last: a node that answers it has heard of the others.
        self._get_state = self._node.create_client(GetState, f"{capture_node}/get_state")
        self.last_problem = ""

    def close(self) -> None:
        """Leave."""
        self._executor.shutdown()
        self._node.destroy_node()

    def bring_up(self, timeout_s: float) -> None:
        """Configure and activate the node.

        Raises:
            ClientError: It refused or took too long.
        """
        question = Question(self._get_state, GetState.Request())
        self._spin_until(
            lambda: question.answer() is not None,
            time.monotonic() + timeout_s,
            self._get_state.srv_name,
        )
        for label, transition in (
            ("configure", Transition.TRANSITION_CONFIGURE),
            ("activate", Transition.TRANSITION_ACTIVATE),
        ):
            request = ChangeState.Request()
            request.transition.id = transition
            if not self._call(self._change_state, request, timeout_s).success:
                raise ClientError(self.last_problem or f"the capture node could not {label}")

    def capture(
        self, file_name: str, *, image_timeout_s: float, timeout_s: float
    ) -> Capture.Response:
        """Trigger a capture by the service and wait for its answer.

        Raises:
            ClientError: No answer came in time.
        """
        request = Capture.Request(file_name=file_name, timeout_s=image_timeout_s)
        return self._call(self._capture, request, timeout_s)

    def _call(self, client: Client, request: Any, timeout_s: float) -> Any:
        deadline_s = time.monotonic() + timeout_s
        self._spin_until(client.service_is_ready, deadline_s, client.srv_name)
        future = client.call_async(request)
        self._spin_until(future.done, deadline_s, client.srv_name)
        return future.result()

    def _spin_until(self, done: Callable[[], bool], deadline_s: float, what: str) -> None:
        while not done():
            self._check_alive()
            if time.monotonic() > deadline_s:
                raise ClientError(f"no answer from {what} in time")
            self._executor.spin_once(SPIN_S)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name != self._status_name:
                continue
            values = {entry.key: entry.value for entry in status.values}
            if values["stage"]:
                self._on_progress(values["stage"], float(values["progress"]))
            self.last_problem = values["problem"]
