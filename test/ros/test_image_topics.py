"""How images reach the capture node: transports, reliability, remapping, the window."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import fake_capture
import numpy as np
from capture_harness import FRAME_ID, Client, FakeCamera, Rig, picture, wait_until
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

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
    options = {"window_s": 0.0, "max_frames": 1, "timeout_s": 60.0, "check": go_on, **changes}
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
            camera.stamps_now = True
            camera.show(picture(fake_capture.ONE_PERSON))

            def several() -> bool:
                stamps = gather(source, window_s=0.6, max_frames=3)
                assert 1 <= len(stamps) <= 3
                assert len(set(stamps)) == len(stamps)
                return len(stamps) > 1

            # In a window in which the machine had no time for more, one.
            wait_until(several, "window with more than one image")
            assert len(gather(source, window_s=0.0, max_frames=3)) == 1
    finally:
        source.close()


def test_images_from_before_the_request_do_not_count(client: Client) -> None:
    source = FrameSource(client.node, transport="raw", reliability="auto")
    publisher = client.node.create_publisher(Image, "/alone/image", 1)
    stamps = itertools.count(1)

    def heard() -> bool:
        """Whether an image has come, and with it all that were published before."""
        stamp_ns = next(stamps)
        publisher.publish(picture(fake_capture.ONE_PERSON, stamp_ns))
        shot = source.newest(patience_s=0.5, check=go_on)
        return shot is not None and stamp_ns_from_ros(shot.image.header.stamp) == stamp_ns

    try:
        source.follow(on_drop=go_on)
        wait_until(heard, "image")
        source.unfollow()
        with pytest.raises(ImageError, match="no image within"):
            gather(source, timeout_s=0.3)
        new = picture(fake_capture.ONE_PERSON, 1_000_000)
        assert gather(source, check=lambda: publisher.publish(new)) == [1_000_000]
    finally:
        source.close()
        client.node.destroy_publisher(publisher)


def test_gathering_can_be_stopped(client: Client) -> None:
    source = FrameSource(client.node, transport="raw", reliability="auto")

    def stop() -> None:
        raise CaptureCancelled("enough")

    try:
        with pytest.raises(CaptureCancelled, match="enough"):
            gather(source, timeout_s=1000.0, check=stop)
    finally:
        source.close()
