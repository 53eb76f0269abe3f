#!/usr/bin/env python3
"""Publishes a photo as if a camera saw it all the time: image and camera_info."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from pifuhd_ros.ros.cameras import camera_to_ros
from pifuhd_ros.ros.images import compressed_to_ros, image_to_ros
from pifuhd_ros.ros.spin import run_node
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.types import Frame, ImageError


class CameraPublisher(Node):
    """Publishes one frame again and again, each time with the present time as its stamp."""

    def __init__(
        self, frame: Frame, *, rate_hz: float, frame_id: str, transport: str, best_effort: bool
    ) -> None:
        """Start publishing."""
        super().__init__("camera")
        header = Header(frame_id=frame_id)
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=1,
            reliability=(
                ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
            ),
        )
        self._image: Image | CompressedImage
        if transport == "compressed":
            topic = f"{self.resolve_topic_name('image')}/compressed"
            self._image = compressed_to_ros(frame.rgb, header)
        else:
            topic = "image"
            self._image = image_to_ros(frame.rgb, header)
        height, width = frame.rgb.shape[:2]
        # A matrix of zeros says "not calibrated" (sensor_msgs/CameraInfo).
        self._camera_info = CameraInfo(header=header, width=width, height=height)
        if frame.camera is not None:
            self._camera_info = camera_to_ros(frame.camera, header)
        self._image_publisher = self.create_publisher(type(self._image), topic, profile)
        self._info_publisher = self.create_publisher(CameraInfo, "camera_info", profile)
        self.create_timer(1.0 / rate_hz, self._publish)

    def _publish(self) -> None:
        stamp = self.get_clock().now().to_msg()
        self._image.header.stamp = stamp
        self._camera_info.header.stamp = stamp
        self._info_publisher.publish(self._camera_info)
        self._image_publisher.publish(self._image)


def main(arguments: list[str] | None = None) -> int:
    """Publish until SIGINT or SIGTERM."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="camera_publisher", description=__doc__)
    parser.add_argument("image", type=Path, help="photo to publish")
    parser.add_argument("--rate", type=float, default=2.0, help="images per second (%(default)s)")
    parser.add_argument("--frame-id", default="camera_optical_frame", help="(%(default)s)")
    parser.add_argument("--transport", choices=("raw", "compressed"), default="raw")
    parser.add_argument("--best-effort", action="store_true", help="publish without resending")
    options = parser.parse_args(remove_ros_args(["", *arguments])[1:])
    try:
        frame = read_frame(options.image)
    except ImageError as error:
        print(f"camera_publisher: {error}", file=sys.stderr)
        return 1
    run_node(
        lambda: CameraPublisher(
            frame,
            rate_hz=options.rate,
            frame_id=options.frame_id,
            transport=options.transport,
            best_effort=options.best_effort,
        ),
        arguments=arguments,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
