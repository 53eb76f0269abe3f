"""A capture node in a process of its own, and a client in this one, over real DDS."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from pifuhd_ros.action import Reconstruct
from pifuhd_ros.ros.cameras import camera_to_ros
from pifuhd_ros.ros.headers import header_to_ros, stamp_ns_from_ros
from pifuhd_ros.ros.images import image_to_ros
from pifuhd_ros.ros.question import Question
from pifuhd_ros.ros.spinner import Spinner
from pifuhd_ros.srv import Capture
from pifuhd_ros.types import Camera

DOMAIN_ID = random.SystemRandom().randrange(1, 102)
"""One for the whole test session, so that nothing else on this network is heard."""
ENVIRONMENT = {
    "ROS_DOMAIN_ID": str(DOMAIN_ID),
    "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    "ROS_PYTHON_CHECK_FIELDS": "1",
}
TIMEOUT_S = 90.0
"""For whatever must happen; far more than it takes."""
WIDTH, HEIGHT = 64, 48
FRAME_ID = "camera_optical_frame"
LATCHED = QoSProfile(
    depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
FAKE_NODE = Path(__file__).parent / "fake_capture.py"
TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
    "shut down while active": Transition.TRANSITION_ACTIVE_SHUTDOWN,
    "shut down while inactive": Transition.TRANSITION_INACTIVE_SHUTDOWN,
}
Answer = TypeVar("Answer")


def wait_until(done: Callable[[], Any], what: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Return the first true value of ``done``; fail where none comes."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        value = done()
        if value:
            return value
        if time.monotonic() > deadline_s:
            pytest.fail(f"no {what} within {timeout_s:g} s")
        time.sleep(0.01)


class NodeProcess:
    """A Python program with a ROS node in it."""

    def __init__(self, command: Sequence[str], log: Path, **environment: str) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **ENVIRONMENT, **environment},
            )

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace")

    def interrupt(self, times: int = 1, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        for _ in range(times):
            self.process.send_signal(number)
        return self.process.wait(TIMEOUT_S)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def fake_node(
    log: Path, *parameters: str, namespace: str = "/", **environment: str
) -> Iterator[NodeProcess]:
    """Run the capture node with the fake reconstructor."""
    arguments = [argument for pair in parameters for argument in ("-p", pair)]
    process = NodeProcess(
        [str(FAKE_NODE), "--ros-args", "-r", f"__ns:={namespace}", *arguments], log, **environment
    )
    try:
        yield process
    finally:
        process.stop()
        # Shown beside the failure of a test.
        print(process.output())


class Client:
    """Everything that one does to a capture node from outside."""

    def __init__(self, capture_node: str = "capture", namespace: str = "") -> None:
        self.context = rclpy.Context()
        self.context.init(args=[], domain_id=DOMAIN_ID)
        self.node = rclpy.create_node(
            f"client_of_{capture_node.replace('/', '_')}",
            namespace=namespace,
            context=self.context,
            start_parameter_services=False,
        )
        self.name = capture_node
        self.received: dict[str, list[Any]] = defaultdict(list)
        self.feedback: list[Reconstruct.Feedback] = []
        self._heed_from_ns = 0
        make = self.node.create_client
        self._change_state = make(ChangeState, f"/{self.name}/change_state")
        self._set_parameters = make(SetParameters, f"/{self.name}/set_parameters")
        self._describe_parameters = make(DescribeParameters, f"/{self.name}/describe_parameters")
        self._capture = make(Capture, f"/{self.name}/capture")
        self._reconstruct = ActionClient(self.node, Reconstruct, f"/{self.name}/reconstruct")
        self.listen(DiagnosticArray, "/diagnostics", 10)
        # Made last, announced last: a node that answers it has heard of the others.
        self._get_state = make(GetState, f"/{self.name}/get_state")
        self._has_met = False
        self._spinner = Spinner(self.node)

    def close(self) -> None:
        """Leave the domain."""
        self._spinner.stop()
        self.node.destroy_node()
        self.context.shutdown()

    def listen(self, message_type: type[Any], topic: str, profile: QoSProfile | int) -> None:
        """Keep what comes on a topic in ``received``."""
        self.node.create_subscription(message_type, topic, self.received[topic].append, profile)

    @contextmanager
    def listening(
        self, message_type: type[Any], topic: str, profile: QoSProfile
    ) -> Iterator[list[Any]]:
        """A list that fills with what comes on a topic, for as long as it is needed."""
        messages: list[Any] = []
        subscription = self.node.create_subscription(message_type, topic, messages.append, profile)
        try:
            yield messages
        finally:
            self.node.destroy_subscription(subscription)

    def call(self, client: Any, request: Any) -> Any:
        """Call a service and return its answer."""
        return self.result(self.start(client, request))

    def start(self, client: Any, request: Any) -> Future:
        """Call a service and return at once."""
        if not self._has_met:
            self.state()
        wait_until(client.service_is_ready, f"service {client.srv_name}")
        return client.call_async(request)

    def result(self, future: Future) -> Any:
        """Wait for what was started."""
        wait_until(future.done, "answer")
        return future.result()

    def start_transition(self, label: str) -> Future:
        """Ask for a lifecycle transition and return at once."""
        request = ChangeState.Request()
        request.transition.id = TRANSITIONS[label]
        return self.start(self._change_state, request)

    def transition(self, label: str) -> bool:
        """Ask for a lifecycle transition; whether it was made."""
        return bool(self.result(self.start_transition(label)).success)

    def state(self) -> str:
        """The lifecycle state."""
        question = Question(self._get_state, GetState.Request())
        response = wait_until(question.answer, "state")
        self._has_met = True
        return str(response.current_state.label)

    def set(self, **values: Any) -> list[str]:
        """Set parameters; the reasons of those that were refused."""
        request = SetParameters.Request(
            parameters=[
                Parameter(name, value=value).to_parameter_msg() for name, value in values.items()
            ]
        )
        results = self.call(self._set_parameters, request).results
        return [result.reason for result in results if not result.successful]

    def describe(self, names: list[str]) -> list[ParameterDescriptor]:
        """The descriptors of parameters."""
        request = DescribeParameters.Request(names=names)
        return list(self.call(self._describe_parameters, request).descriptors)

    def start_capture(self, file_name: str = "", timeout_s: float = 0.0) -> Future:
        """Trigger by the service and return at once."""
        return self.start(self._capture, Capture.Request(file_name=file_name, timeout_s=timeout_s))

    def capture(self, file_name: str = "", timeout_s: float = 0.0) -> Capture.Response:
        """Trigger by the service."""
        return self.result(self.start_capture(file_name, timeout_s))

    def send_goal(self, file_name: str = "", timeout_s: float = 0.0) -> ClientGoalHandle:
        """Trigger by the action; the handle says whether it was accepted."""
        wait_until(self._reconstruct.server_is_ready, "action server")
        self.feedback.clear()
        return self.result(
            self._reconstruct.send_goal_async(
                Reconstruct.Goal(file_name=file_name, timeout_s=timeout_s),
                feedback_callback=lambda message: self.feedback.append(message.feedback),
            )
        )

    def diagnostics(self) -> list[dict[str, str]]:
        """Values of every status since ``forget_diagnostics``, and its level and message."""
        return [
            {
                **{entry.key: entry.value for entry in status.values},
                "level": str(status.level[0]),
                "message": status.message,
            }
            for message in list(self.received["/diagnostics"])
            if stamp_ns_from_ros(message.header.stamp) >= self._heed_from_ns
            for status in message.status
            if status.name == f"{self.name}: capture"
        ]

    def forget_diagnostics(self) -> None:
        """Heed no status from before, not even one that is still on its way."""
        self._heed_from_ns = self.node.get_clock().now().nanoseconds

    def wait_for_stage(self, stage: str) -> None:
        """Wait until the running capture is in a stage."""
        wait_until(lambda: any(s["stage"] == stage for s in self.diagnostics()), f"stage {stage}")


class FakeCamera:
    """Publishes whatever image is set, again and again, until closed."""

    def __init__(
        self,
        client: Client,
        topic: str = "/image",
        *,
        message_type: type[Any] = Image,
        reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE,
    ) -> None:
        profile = QoSProfile(depth=1, reliability=reliability)
        self._client = client
        self._image_publisher = client.node.create_publisher(message_type, topic, profile)
        self._info_publisher = client.node.create_publisher(
            CameraInfo, f"{topic.rpartition('/')[0]}/camera_info", profile
        )
        self.image: Image | CompressedImage | None = None
        self.camera_info: CameraInfo | None = None
        self.stamps_now = False
        """Whether each image gets the present time instead of its own stamp."""
        self._shown = 0
        self._timer = client.node.create_timer(0.03, self._publish)

    def show(self, image: Image | CompressedImage | None) -> None:
        """Publish this image from now on; None: nothing. Returns once it has gone out twice."""
        self.image = image
        self._shown = 0
        if image is not None:
            wait_until(lambda: self._shown > 1, "published image")

    def close(self) -> None:
        """Stop publishing."""
        node = self._client.node
        node.destroy_timer(self._timer)
        node.destroy_publisher(self._image_publisher)
        node.destroy_publisher(self._info_publisher)

    def _publish(self) -> None:
        if self.camera_info is not None:
            self._info_publisher.publish(self.camera_info)
        # Another thread may set another one meanwhile.
        image = self.image
        if image is not None:
            if self.stamps_now:
                image.header.stamp = self._client.node.get_clock().now().to_msg()
            self._image_publisher.publish(image)
            if image is self.image:
                self._shown += 1


def picture(color: tuple[int, int, int], stamp_ns: int = 12_000_000_345) -> Image:
    """An image of one colour, the fake reconstructor's command."""
    rgb = np.full((HEIGHT, WIDTH, 3), color, np.uint8)
    return image_to_ros(rgb, header_to_ros(stamp_ns, FRAME_ID))


def broken_picture(**changes: Any) -> Image:
    """An image with some fields as they should not be."""
    image = picture((200, 200, 200))
    for name, value in changes.items():
        setattr(image, name, value)
    return image


def calibration(width: int = WIDTH, height: int = HEIGHT) -> CameraInfo:
    """A calibrated camera of this size."""
    K = np.array([[100.0, 0, (width - 1) / 2], [0, 100.0, (height - 1) / 2], [0, 0, 1]])
    return camera_to_ros(Camera(K=K, width_px=width, height_px=height), Header(frame_id=FRAME_ID))


EMPTY = array("B")


QUICK = ("warm_up:=false", "window_s:=0.0", "preview_height_px:=32", "save_formats:=[glb, ply]",
         "image_timeout_s:=60.0")  # fmt: skip
"""Parameters that leave out what takes time, and leave a busy machine the time that it takes."""


@dataclass(frozen=True)
class Rig:
    """An active capture node, a camera that shows one person, and a client."""

    client: Client
    camera: FakeCamera
    process: NodeProcess
    output_folder: Path
    release_file: Path
    """Its appearance ends WAIT_FOR_RELEASE."""
