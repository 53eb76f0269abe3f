"""Camera topics to the shots that a capture chooses from."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from pifuhd_ros.ros.headers import stamp_ns_from_ros
from pifuhd_ros.ros.image_input import ImageInput
from pifuhd_ros.types import ImageError

DEPTH_TOLERANCE_NS = 50_000_000
"""Depth further than this from the image shows another moment."""
CHECK_PERIOD_S = 0.05
"""How often a waiting capture looks whether it was cancelled."""
CAMERA_INFO_PATIENCE_S = 1.0
"""How long to wait for a first calibration that somebody seems to publish."""
DEPTH_PATIENCE_S = 0.25
"""How long to wait for the depth of the last image."""
FOLLOWED_DEPTHS = 3
"""As many depth images are kept for the next image to be followed."""


@dataclass(frozen=True)
class Shot:
    """One camera image as it came, with what belongs to it."""

    image: Image | CompressedImage
    camera_info: CameraInfo | None
    depth: Image | None
    arrived_s: float = 0.0
    """When the image came, by time.monotonic."""


class FrameSource:
    """Subscribes to image, camera_info and depth, and gathers shots when asked to.

    Between captures no image is kept, but the newest one while it is followed. Freshness goes by
    arrival, not by stamp: the camera's clock may be another one than ours.
    """

    def __init__(self, node: Node, *, transport: str, reliability: str) -> None:
        """Subscribe at once.

        Args:
            node: The node that subscribes.
            transport: "raw" or "compressed".
            reliability: "auto", "reliable" or "best_effort"; of image and depth.
        """
        self._node = node
        self._changed = threading.Condition()
        self._camera_info: CameraInfo | None = None
        self._images: deque[Image | CompressedImage] | None = None
        self._depths: deque[Image] = deque(maxlen=1)
        self._shortest_gap_s = 0.0
        self._last_kept_s = 0.0
        self._on_drop: Callable[[], None] | None = None
        self._newest: tuple[Image | CompressedImage, float] | None = None
        self._last_depths: deque[Image] = deque(maxlen=FOLLOWED_DEPTHS)
        # From here on messages come, in other threads.
        group = ReentrantCallbackGroup()
        compressed = transport == "compressed"
        # As image_transport does: the remapped base name, then the name of the transport.
        base = node.resolve_topic_name("image")
        self._image_input = ImageInput(
            node,
            CompressedImage if compressed else Image,
            f"{base}/compressed" if compressed else base,
            self._on_image,
            reliability=reliability,
            callback_group=group,
        )
        self._depth_input = ImageInput(
            node, Image, "depth", self._on_depth, reliability=reliability, callback_group=group
        )
        self._info_subscription = node.create_subscription(
            CameraInfo,
            "camera_info",
            self._on_camera_info,
            # Best effort hears reliable publishers as well, and this message is small.
            QoSProfile(
                history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT
            ),
            callback_group=group,
        )

    @property
    def image_topic(self) -> str:
        """Full name of the image topic."""
        return self._image_input.topic

    def close(self) -> None:
        """Unsubscribe from everything."""
        self._image_input.close()
        self._depth_input.close()
        self._node.destroy_subscription(self._info_subscription)

    def gather(
        self, *, window_s: float, max_frames: int, timeout_s: float, check: Callable[[], None]
    ) -> list[Shot]:
        """Wait for the shots of one capture, oldest first.

        Args:
            window_s: How long to gather after the first image; 0: that one only.
            max_frames: Most images to keep, spread over the window.
            timeout_s: How long to wait for the first image.
            check: Called again and again; what it raises ends the wait.

        Raises:
            ImageError: No image came in time.
        """
        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            max_frames = max_frames if window_s > 0 else 1
            self._shortest_gap_s = window_s / max_frames
            self._last_kept_s = float("-inf")
            self._images = deque(maxlen=max_frames)
            self._depths = deque(maxlen=2 * max_frames)
            images = self._images
            try:
                if not self._wait(lambda: len(images) > 0, deadline_s, check):
                    raise ImageError(
                        f"no image within {timeout_s:g} s: {self._image_input.silence()}"
                    )
                self._wait(lambda: False, time.monotonic() + window_s, check)
                self._wait_for_companions(images[-1], self._depths, check)
            finally:
                self._images = None
            depths = list(self._depths)
            self._depths.clear()
            return [
                Shot(image=image, camera_info=self._camera_info, depth=_nearest(depths, image))
                for image in images
            ]

    def follow(self, *, on_drop: Callable[[], None]) -> None:
        """Keep the newest image for ``newest`` from here on.

        Args:
            on_drop: Called for every image that a newer one has replaced before it was taken.
        """
        with self._changed:
            self._on_drop = on_drop

    def unfollow(self) -> None:
        """Keep no more images."""
        with self._changed:
            self._on_drop = self._newest = None
            self._last_depths.clear()

    def newest(self, *, patience_s: float, check: Callable[[], None]) -> Shot | None:
        """Take the newest image, with what belongs to it, or None where none comes.

        Args:
            patience_s: How long to wait for an image that has not been taken yet.
            check: Called again and again; what it raises ends the wait.
        """
        with self._changed:
            self._wait(lambda: self._newest is not None, time.monotonic() + patience_s, check)
            if self._newest is None:
                return None
            (image, arrived_s), self._newest = self._newest, None
            self._wait_for_companions(image, self._last_depths, check)
            depth = _nearest(list(self._last_depths), image)
            return Shot(image, self._camera_info, depth, arrived_s)

    def _wait_for_companions(
        self, image: Image | CompressedImage, depths: deque[Image], check: Callable[[], None]
    ) -> None:
        if self._node.count_publishers(self._info_subscription.topic_name) > 0:
            patience_s = time.monotonic() + CAMERA_INFO_PATIENCE_S
            self._wait(lambda: self._camera_info is not None, patience_s, check)
        if self._depth_input.has_publisher():
            last_ns = stamp_ns_from_ros(image.header.stamp) - DEPTH_TOLERANCE_NS
            self._wait(
                lambda: any(stamp_ns_from_ros(depth.header.stamp) >= last_ns for depth in depths),
                time.monotonic() + DEPTH_PATIENCE_S,
                check,
            )

    def _wait(self, done: Callable[[], bool], deadline_s: float, check: Callable[[], None]) -> bool:
        while True:
            check()
            if done():
                return True
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            self._changed.wait(min(left_s, CHECK_PERIOD_S))

    def _on_image(self, message: Image | CompressedImage) -> None:
        with self._changed:
            now_s = time.monotonic()
            if self._on_drop is not None:
                if self._newest is not None:
                    self._on_drop()
                self._newest = (message, now_s)
                self._changed.notify_all()
            if self._images is None or now_s - self._last_kept_s < self._shortest_gap_s:
                return
            self._images.append(message)
            self._last_kept_s = now_s
            self._changed.notify_all()

    def _on_depth(self, message: Image) -> None:
        with self._changed:
            if self._on_drop is not None:
                self._last_depths.append(message)
                self._changed.notify_all()
            if self._images is not None:
                self._depths.append(message)
                self._changed.notify_all()

    def _on_camera_info(self, message: CameraInfo) -> None:
        with self._changed:
            self._camera_info = message
            self._changed.notify_all()


def _nearest(depths: list[Image], image: Image | CompressedImage) -> Image | None:
    stamp_ns = stamp_ns_from_ros(image.header.stamp)
    near = [
        (abs(stamp_ns_from_ros(depth.header.stamp) - stamp_ns), index)
        for index, depth in enumerate(depths)
    ]
    if not near or min(near)[0] > DEPTH_TOLERANCE_NS:
        return None
    return depths[min(near)[1]]
