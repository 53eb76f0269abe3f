"""How images reach the capture node: transports, reliability, remapping, the window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import fake_capture
import numpy as np
from capture_harness import FRAME_ID, Client, FakeCamera, Rig, picture, wait_until
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CompressedImage

from pifuhd_ros.ros.frame_source import FrameSource
from pifuhd_ros.ros.headers import header_to_ros, stamp_ns_from_ros
from pifuhd_ros.ros.images import compressed_to_ros
from pifuhd_ros.types import CaptureCancelled, ImageError


@contextmanager
def camera_on(client: Client, topic: str, **options: object) -> Iterator[FakeCamera]:
    camera = FakeCamera(client, topic, **options)
    try:
        yield camera
    finally:
        camera.close()


def compressed(color: tuple[int, int, int]) -> CompressedImage:
    rgb = np.full((48, 64, 3), color, np.uint8)
    return compressed_to_ros(rgb, header_to_ros(5, FRAME_ID), "png")


@contextmanager
def other_client() -> Iterator[Client]:
    client = Client("nobody", "/alone")
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def client() -> Iterator[Client]:
    """A client without a capture node, to carry a frame source of its own."""
    with other_client() as client:
        yield client


def go_on() -> None:
    """Let a source gather until it has enough."""


def gather(source: FrameSource, **changes: object) -> list[int]:
    options = {"window_s": 0.0, "max_frames": 1, "timeout_s": 20.0, "check": go_on, **changes}
    shots = source.gather(**options)
    return [stamp_ns_from_ros(shot.image.header.stamp) for shot in shots]


def test_compressed_images_when_asked_for(rig: Rig) -> None:
    rig.camera.show(None)
    assert rig.client.transition("deactivate")
    assert rig.client.set(image_transport="compressed") == []
    assert rig.client.transition("activate")
    try:
        message = rig.client.capture(timeout_s=0.1).message
        assert "nobody publishes /image/compressed" in message
        with camera_on(rig.client, "/image/compressed", message_type=CompressedImage) as camera:
            camera.show(compressed(fake_capture.ONE_PERSON))
            response = rig.client.capture()
            assert response.success, response.message
            assert stamp_ns_from_ros(response.people[0].header.stamp) == 5
            broken = compressed(fake_capture.ONE_PERSON)
            broken.data = broken.data[: len(broken.data) // 2]
            camera.show(broken)
            assert "cut off" in rig.client.capture().message
    finally:
        assert rig.client.transition("deactivate")
        assert rig.client.set(image_transport="raw") == []
        assert rig.client.transition("activate")


def test_auto_reliability_follows_a_best_effort_camera(client: Client) -> None:
    source = FrameSource(client.node, transport="raw", reliability="auto")
    try:
        with camera_on(client, "/alone/image", reliability=ReliabilityPolicy.BEST_EFFORT) as camera:
            camera.show(picture(fake_capture.ONE_PERSON, 7))
            assert gather(source) == [7]
    finally:
        source.close()


def test_reliable_only_names_the_reason_of_the_silence(client: Client) -> None:
    source = FrameSource(client.node, transport="raw", reliability="reliable")
    try:
        with camera_on(client, "/alone/image", reliability=ReliabilityPolicy.BEST_EFFORT) as camera:
            camera.show(picture(fake_capture.ONE_PERSON))
            wait_until(lambda: client.node.count_publishers("/alone/image"), "publisher")
            with pytest.raises(ImageError, match="/alone/image is published best effort"):
                gather(source, timeout_s=0.5)
    finally:
        source.close()


def test_wrong_type_names_the_reason_of_the_silence(client: Client) -> None:
    source = FrameSource(client.node, transport="raw", reliability="auto")
    try:
        # Of another process, so to speak: one participant takes a topic in one type only.
        with (
            other_client() as other,
            camera_on(other, "/alone/image", message_type=CompressedImage),
        ):
            wait_until(lambda: client.node.count_publishers("/alone/image"), "publisher")
            words = "carries sensor_msgs/msg/CompressedImage, not sensor_msgs/msg/Image"
            with pytest.raises(ImageError, match=words):
                gather(source, timeout_s=0.1)
    finally:
        source.close()


def test_window_spreads_the_frames_and_keeps_no_more(client: Client) -> None:
    source = FrameSource(client.node, transport="raw", reliability="auto")
    try:
        with camera_on(client, "/alone/image") as camera:
            camera.show(picture(fake_capture.ONE_PERSON))
            client.node.create_timer(0.02, lambda: renumber(camera))
            stamps = gather(source, window_s=0.6, max_frames=3)
            assert 2 <= len(stamps) <= 3
            assert stamps == sorted(set(stamps))
            assert len(gather(source, window_s=0.0, max_frames=3)) == 1
    finally:
        source.close()


def renumber(camera: FakeCamera) -> None:
    """Give the next image its own stamp."""
    image = camera.image
    assert image is not None
    image.header = header_to_ros(stamp_ns_from_ros(image.header.stamp) + 1, FRAME_ID)


def test_images_from_before_the_request_do_not_count(client: Client) -> None:
    source = FrameSource(client.node, transport="raw", reliability="auto")
    try:
        with camera_on(client, "/alone/image") as camera:
            camera.show(picture(fake_capture.ONE_PERSON, 1))
            assert gather(source) == [1]
            camera.show(None)
            with suppress(ImageError):  # one may still be on its way
                gather(source, timeout_s=0.5)
            with pytest.raises(ImageError, match="no image within"):
                gather(source, timeout_s=0.3)
    finally:
        source.close()


def test_gathering_can_be_stopped(client: Client) -> None:
    source = FrameSource(client.node, transport="raw", reliability="auto")

    def stop() -> None:
        raise CaptureCancelled("enough")

    try:
        with pytest.raises(CaptureCancelled, match="enough"):
            gather(source, timeout_s=1000.0, check=stop)
    finally:
        source.close()
