"""The service and the action that ask for a capture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rclpy.action.server import ActionServer, CancelResponse, GoalResponse, ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from pifuhd_ros.action import Reconstruct
from pifuhd_ros.ros.capture_reply import CaptureReply
from pifuhd_ros.ros.capture_slot import never
from pifuhd_ros.ros.capture_work import CaptureRequest
from pifuhd_ros.srv import Capture
from pifuhd_ros.types import OnProgress

RESULT_TIMEOUT_S = 60
"""How long a finished goal keeps its meshes for a client that asks late."""


class RunCapture(Protocol):
    """Runs one capture to its end; always replies, never raises."""

    def __call__(
        self,
        request: CaptureRequest,
        *,
        on_progress: OnProgress | None,
        is_cancel_requested: Callable[[], bool],
    ) -> CaptureReply:
        """See the class."""


class CaptureTriggers:
    """Serves ``~/capture`` and ``~/reconstruct``.

    Each request waits in a thread of the executor for its reply; a request that comes meanwhile
    is answered at once.
    """

    def __init__(self, node: Node, run: RunCapture, *, refusal: Callable[[], str | None]) -> None:
        """Start serving.

        Args:
            node: The node that serves.
            run: Runs one capture.
            refusal: Says why no capture can start at this moment, or None if one can. A goal has
                to be accepted or rejected before it runs.
        """
        self._node = node
        self._run = run
        self._refusal = refusal
        group = ReentrantCallbackGroup()
        node.create_service(Capture, "~/capture", self._on_request, callback_group=group)
        self._action_server = ActionServer(
            node,
            Reconstruct,
            "~/reconstruct",
            self._on_goal,
            goal_callback=self._on_goal_request,
            cancel_callback=self._on_cancel_request,
            callback_group=group,
            result_timeout=RESULT_TIMEOUT_S,
        )

    def close(self) -> None:
        """Stop serving the action; the service goes with the node."""
        self._action_server.destroy()

    def _on_request(self, request: Capture.Request, response: Capture.Response) -> Capture.Response:
        reply = self._run(
            CaptureRequest(file_name=request.file_name, timeout_s=request.timeout_s),
            on_progress=None,
            is_cancel_requested=never,
        )
        return reply.fill(response)

    def _on_goal_request(self, goal: Reconstruct.Goal) -> GoalResponse:
        refusal = self._refusal()
        if refusal is None:
            return GoalResponse.ACCEPT
        self._node.get_logger().warning(f"goal rejected: {refusal}")
        return GoalResponse.REJECT

    def _on_cancel_request(self, goal_handle: ServerGoalHandle) -> CancelResponse:
        # Without this callback rclpy refuses every cancel.
        return CancelResponse.ACCEPT

    def _on_goal(self, goal_handle: ServerGoalHandle) -> Reconstruct.Result:
        def report(stage: str, progress: float) -> None:
            goal_handle.publish_feedback(Reconstruct.Feedback(stage=stage, progress=progress))

        goal = goal_handle.request
        reply = self._run(
            CaptureRequest(file_name=goal.file_name, timeout_s=goal.timeout_s),
            on_progress=report,
            is_cancel_requested=lambda: goal_handle.is_cancel_requested,
        )
        if reply.success:
            goal_handle.succeed()
        elif reply.is_cancelled and goal_handle.is_cancel_requested:
            goal_handle.canceled()
        else:
            goal_handle.abort()
        return reply.fill(Reconstruct.Result())
