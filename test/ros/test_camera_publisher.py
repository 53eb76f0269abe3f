"""The photo that behaves like a camera."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

from capture_harness import TIMEOUT_S, Client, NodeProcess, wait_until
from PIL import Image as Photo
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from pifuhd_ros.ros.headers import stamp_ns_from_ros
from pifuhd_ros.ros.images import rgb_from_ros

MODULE = "pifuhd_ros.ros.camera_publisher"
HEARS_EVERYONE = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo whose file tells the focal length."""
    rgb = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3) % 251
    image = Photo.fromarray(rgb.astype(np.uint8))
    exif = image.getexif()
    exif[0x8769] = {0xA405: 50}
    image.save(tmp_path / "photo.png", exif=exif)
    return tmp_path / "photo.png"


@contextmanager
def publishing(photo: Path, *arguments: str) -> Iterator[tuple[Client, NodeProcess]]:
    ros_arguments = ["--ros-args", "-r", "__ns:=/stand"]
    command = ["-m", MODULE, str(photo), "--rate", "20", *arguments, *ros_arguments]
    process = NodeProcess(command, photo.with_suffix(".log"))
    client = Client("nobody")
    try:
        yield client, process
    finally:
        client.close()
        process.stop()


def hear(client: Client, message_type: type[Any], topic: str, count: int = 1) -> list[Any]:
    client.listen(message_type, topic, HEARS_EVERYONE)
    return wait_until(
        lambda: m if len(m := list(client.received[topic])) >= count else None, f"{topic}"
    )


def test_image_and_calibration_come_again_and_again(photo: Path) -> None:
    with publishing(photo, "--frame-id", "eye") as (client, process):
        images = hear(client, Image, "/stand/image", 3)
        infos = hear(client, CameraInfo, "/stand/camera_info", 3)
        np.testing.assert_array_equal(rgb_from_ros(images[0]), np.asarray(Photo.open(photo)))
        assert {message.header.frame_id for message in images + infos} == {"eye"}
        stamps = [stamp_ns_from_ros(message.header.stamp) for message in images]
        assert stamps == sorted(set(stamps))
        # 50 mm on a full frame, whose diagonal is 43.27 mm; the photo's has 80 pixels.
        assert infos[0].k[0] == pytest.approx(50 / 43.2666 * 80, rel=1e-4)
        assert process.interrupt(times=2) == 0, process.output()


def test_compressed_best_effort_and_uncalibrated(photo: Path) -> None:
    rgb = Photo.open(photo)
    rgb.info.clear()
    plain = photo.with_name("plain.png")
    Photo.fromarray(np.asarray(rgb)).save(plain)
    with publishing(plain, "--transport", "compressed", "--best-effort") as (client, _):
        (image, *_) = hear(client, CompressedImage, "/stand/image/compressed")
        assert rgb_from_ros(image).shape == (48, 64, 3)
        (info, *_) = hear(client, CameraInfo, "/stand/camera_info")
        assert (info.width, info.height) == (64, 48)
        assert not any(info.k)
        (publisher,) = client.node.get_publishers_info_by_topic("/stand/image/compressed")
        assert publisher.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


def test_photo_that_is_none_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", MODULE, str(tmp_path / "none.png")],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 1
    assert "none.png is not a file" in done.stderr
    assert "Traceback" not in done.stderr
