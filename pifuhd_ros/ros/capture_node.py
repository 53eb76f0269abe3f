#!/usr/bin/env python3
"""The lifecycle node ``capture``: a camera image in, people's meshes out, on request."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Literal

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from pifuhd_ros.reconstructors.table import RECONSTRUCTORS, Reconstructor
from pifuhd_ros.ros.capture_model import CaptureModel
from pifuhd_ros.ros.capture_outputs import CaptureOutputs
from pifuhd_ros.ros.capture_reply import CaptureReply
from pifuhd_ros.ros.capture_slot import CaptureSlot, CaptureTicket, never
from pifuhd_ros.ros.capture_stream import CaptureStream
from pifuhd_ros.ros.capture_triggers import CaptureTriggers
from pifuhd_ros.ros.capture_work import CaptureRequest, check_request, run_capture
from pifuhd_ros.ros.diagnostics import CaptureDiagnostics
from pifuhd_ros.ros.failures import explain, free_memory_of, is_expected
from pifuhd_ros.ros.frame_source import FrameSource
from pifuhd_ros.ros.node_parameters import NodeParameters
from pifuhd_ros.ros.parameters import ParameterSpec
from pifuhd_ros.ros.progress_steps import in_steps
from pifuhd_ros.ros.spin import run_node
from pifuhd_ros.ros.stream_meter import StreamStatus
from pifuhd_ros.types import CaptureCancelled, OnProgress

State = Literal["unconfigured", "inactive", "active", "finalized"]
BUSY = "a capture is running: try again when it is done"
STREAM_LOG_PERIOD_S = 10.0
"""Shortest time between two equal complaints about frames of continuous capture."""


class CaptureNode(LifecycleNode):
    """Holds the model from configure to cleanup and the subscriptions while active.

    One capture on request runs at a time; continuous capture rests meanwhile. What can go wrong in
    it ends in its reply, never in the node.
    """

    def __init__(self, reconstructors: Mapping[str, type[Reconstructor]] = RECONSTRUCTORS) -> None:
        """Make the node, unconfigured; ``reconstructors`` are the systems to choose from."""
        super().__init__("capture")
        self._state: State = "unconfigured"
        self._source: FrameSource | None = None
        self._outputs: CaptureOutputs | None = None
        self._stream: CaptureStream | None = None
        self._logged = ("", 0.0)
        self._slot = CaptureSlot()
        self._model = CaptureModel(reconstructors)
        self._diagnostics = CaptureDiagnostics(self, self._stream_status)
        self._settings = NodeParameters(self, lock_reason=self._lock_reason)
        self._triggers = CaptureTriggers(self, self._capture, refusal=self._refusal)
        self.add_post_set_parameters_callback(self._on_parameters_set)

    def autostart(self) -> None:
        """Configure and activate if the parameter asks for it.

        A failure is in the log, and the node stays as far as it got.
        """
        if not self.get_parameter("autostart").value:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def stop(self) -> None:
        """End what runs and free everything, from any state; the node is of no use afterwards."""
        self._deactivate("the node is being shut down")
        self._clean_up()
        self._model.close()

    def destroy_node(self) -> None:
        """Take everything back that the node offers; nothing may spin it any more."""
        self._triggers.close()
        super().destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model and advertise the results."""
        try:
            parameters = self._settings.read()
            self.get_logger().info(f"loading system {parameters.system}")
            oddity = self._model.load(parameters)
            if oddity is not None:
                self.get_logger().warning(oddity)
            self._outputs = CaptureOutputs(self)
        except Exception as error:
            self._clean_up()
            return self._fail("configure", error)
        result = super().on_configure(state)
        self._enter("inactive")
        return result

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the camera."""
        try:
            parameters = self._settings.read()
            self._source = FrameSource(
                self,
                transport=parameters.image_transport,
                reliability=parameters.image_reliability,
            )
            self._stream = self._make_stream(self._source)
        except Exception as error:
            self._close_source()
            return self._fail("activate", error)
        result = super().on_activate(state)
        self._enter("active")
        topic = self._source.image_topic
        self.get_logger().info(f"active: images from {topic}")
        self._diagnostics.update(image_topic=topic)
        self._stream.switch(parameters.continuous)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop what runs and unsubscribe."""
        self._deactivate("the node is being deactivated")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model."""
        self._clean_up()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free everything, from whatever state."""
        self._deactivate("the node is being shut down")
        self._clean_up()
        self._enter("finalized")
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Fall back to unconfigured with nothing left behind."""
        self._deactivate("the node has failed")
        self._clean_up()
        return super().on_error(state)

    def _enter(self, state: State) -> None:
        self._state = state
        self._diagnostics.update(state=state, problem="")

    def _fail(self, transition: str, error: Exception) -> TransitionCallbackReturn:
        problem = f"cannot {transition}: {self._describe(error)}"
        self.get_logger().error(problem)
        self._diagnostics.update(problem=problem)
        return TransitionCallbackReturn.FAILURE

    def _deactivate(self, reason: str) -> None:
        if self._state == "active":
            # No new capture from here on; then the end of the one that runs.
            self._enter("inactive")
        self._slot.clear(reason)
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        self._close_source()

    def _close_source(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def _clean_up(self) -> None:
        self._enter("unconfigured")
        if self._outputs is not None:
            self._outputs.close()
            self._outputs = None
        self._model.unload()

    def _refusal(self) -> str | None:
        return self._inactive_refusal() or (BUSY if self._slot.is_taken else None)

    def _inactive_refusal(self) -> str | None:
        if self._state == "active":
            return None
        return f"the node is {self._state}: bring it to active first"

    def _capture(
        self,
        request: CaptureRequest,
        *,
        on_progress: OnProgress | None = None,
        is_cancel_requested: Callable[[], bool] = never,
    ) -> CaptureReply:
        ticket = self._slot.take(is_cancel_requested)
        if ticket is None:
            self.get_logger().warning(f"request refused: {BUSY}")
            return CaptureReply(success=False, message=BUSY)
        try:
            reply = self._answer(request, ticket, on_progress)
        finally:
            self._slot.give_back()
        # Two calls: rclpy's logger refuses another severity from the same line of code.
        if reply.success:
            self.get_logger().info(reply.message)
        else:
            self.get_logger().warning(reply.message)
        return reply

    def _answer(
        self, request: CaptureRequest, ticket: CaptureTicket, on_progress: OnProgress | None
    ) -> CaptureReply:
        refusal = self._inactive_refusal()
        if refusal is not None:
            return CaptureReply(success=False, message=refusal)
        try:
            reply = self._run(request, ticket, on_progress)
        except Exception as error:
            # The boundary: a PifuhdError explains itself, anything else is our bug or a lack of
            # memory. Neither may end the node.
            reply = CaptureReply(
                success=False,
                message=self._describe(error),
                is_cancelled=isinstance(error, CaptureCancelled),
            )
        self._diagnostics.end_capture(reply)
        return reply

    def _run(
        self, request: CaptureRequest, ticket: CaptureTicket, on_progress: OnProgress | None
    ) -> CaptureReply:
        parameters = self._settings.read()
        source, outputs, stream = self._source, self._outputs, self._stream
        if source is None or outputs is None or stream is None:
            raise RuntimeError("an active node has a source, outputs and a stream")
        check_request(request)

        def report(stage: str, progress: float) -> None:
            self._diagnostics.update(stage=stage, progress=progress)
            if on_progress is not None:
                on_progress(stage, progress)

        with stream.paused(ticket.check):
            return self._model.run(
                lambda reconstructor: run_capture(
                    request,
                    reconstructor,
                    parameters=parameters,
                    source=source,
                    outputs=outputs,
                    check=ticket.check,
                    on_progress=in_steps(report),
                )
            )

    def _make_stream(self, source: FrameSource) -> CaptureStream:
        if self._outputs is None:
            raise RuntimeError("a configured node has outputs")
        return CaptureStream(
            source,
            self._model.reconstructor,
            self._outputs,
            read_parameters=self._settings.read,
            now_ns=lambda: int(self.get_clock().now().nanoseconds),
            describe=self._describe_frame_failure,
        )

    def _stream_status(self) -> StreamStatus:
        stream = self._stream
        return StreamStatus() if stream is None else stream.status()

    def _on_parameters_set(self, parameters: list[Parameter]) -> None:
        stream = self._stream
        for parameter in parameters:
            if parameter.name == "continuous" and stream is not None:
                stream.switch(parameter.value)

    def _lock_reason(self, spec: ParameterSpec) -> str | None:
        if spec.applies == "configure" and self._state in ("inactive", "active"):
            return f"{spec.name} can change only while unconfigured: deactivate and clean up first"
        if spec.applies == "activate" and self._state == "active":
            return f"{spec.name} can change only while not active: deactivate first"
        return None

    def _describe(self, error: Exception) -> str:
        """Return an error in a sentence; log the traceback of one that nobody raised on purpose."""
        if not is_expected(error):
            self.get_logger().error("".join(traceback.format_exception(error)))
        free_memory_of(error)
        return explain(error)

    def _describe_frame_failure(self, error: Exception) -> str:
        """The same for a frame of continuous capture; what repeats itself is logged rarely."""
        problem = explain(error)
        last_problem, logged_s = self._logged
        now_s = time.monotonic()
        if problem != last_problem or now_s - logged_s > STREAM_LOG_PERIOD_S:
            self._logged = (problem, now_s)
            trace = "" if is_expected(error) else "".join(traceback.format_exception(error))
            self.get_logger().warning(f"a frame failed: {problem}\n{trace}".rstrip())
        free_memory_of(error)
        return problem


def main(arguments: list[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM."""
    run_node(
        CaptureNode, arguments=arguments, on_start=CaptureNode.autostart, on_stop=CaptureNode.stop
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
