"""CameraInfo and stamps."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from pifuhd_ros.ros.cameras import camera_from_ros, camera_to_ros
from pifuhd_ros.ros.headers import header_to_ros, stamp_ns_from_ros, stamp_to_ros
from pifuhd_ros.types import Camera, ImageError

K = np.array([[600.0, 0.0, 319.5], [0.0, 610.0, 239.5], [0.0, 0.0, 1.0]])
DISTORTION = np.array([0.1, -0.2, 0.001, 0.002, 0.05])


def info(**fields: object) -> CameraInfo:
    message = CameraInfo(width=640, height=480, k=K.ravel().tolist())
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def test_round_trip() -> None:
    camera = Camera(K=K, width_px=640, height_px=480, distortion=DISTORTION)
    message = camera_to_ros(camera, Header(frame_id="camera_optical"))
    message = deserialize_message(serialize_message(message), CameraInfo)
    back = camera_from_ros(message)
    assert back is not None
    np.testing.assert_array_equal(back.K, K)
    np.testing.assert_array_equal(back.distortion, DISTORTION)
    assert (back.width_px, back.height_px, back.is_guess) == (640, 480, False)
    assert message.header.frame_id == "camera_optical"


def test_a_camera_that_is_not_calibrated_is_none() -> None:
    assert camera_from_ros(CameraInfo(width=640, height=480)) is None


def test_no_distortion_is_none() -> None:
    camera = camera_from_ros(info(distortion_model="plumb_bob", d=[0.0] * 5))
    assert camera is not None
    assert camera.distortion is None


def test_rational_polynomial_without_more_is_plumb_bob() -> None:
    camera = camera_from_ros(
        info(distortion_model="rational_polynomial", d=[*DISTORTION.tolist(), 0.0, 0.0, 0.0])
    )
    assert camera is not None
    np.testing.assert_array_equal(camera.distortion, DISTORTION)


@pytest.mark.parametrize(
    ("model", "d"),
    [("equidistant", [0.1, 0.0, 0.0, 0.0]), ("rational_polynomial", [0.1] * 8)],
)
def test_another_distortion_is_refused_in_words(model: str, d: list[float]) -> None:
    with pytest.raises(ImageError, match=f"'{model}'; only plumb_bob is understood: rectify"):
        camera_from_ros(info(distortion_model=model, d=d))


def test_a_broken_k_is_refused_in_words() -> None:
    with pytest.raises(ImageError, match="no usable K"):
        camera_from_ros(info(k=[-600.0, 0.0, 319.5, 0.0, 610.0, 239.5, 0.0, 0.0, 1.0]))
    with pytest.raises(ImageError, match="no usable K"):
        camera_from_ros(info(k=[float("nan"), 0.0, 319.5, 0.0, 610.0, 239.5, 0.0, 0.0, 1.0]))


def test_a_region_of_interest_shifts_the_principal_point() -> None:
    roi = RegionOfInterest(x_offset=100, y_offset=40, width=320, height=240)
    camera = camera_from_ros(info(roi=roi))
    assert camera is not None
    np.testing.assert_allclose(camera.K[:2, 2], [219.5, 199.5])
    assert (camera.width_px, camera.height_px) == (320, 240)


def test_binning_keeps_the_middle_in_the_middle() -> None:
    camera = camera_from_ros(info(binning_x=2, binning_y=4))
    assert camera is not None
    assert (camera.width_px, camera.height_px) == (320, 120)
    np.testing.assert_allclose(camera.K[:2, 2], [159.5, 59.5])
    np.testing.assert_allclose([camera.K[0, 0], camera.K[1, 1]], [300.0, 152.5])


@pytest.mark.parametrize("stamp_ns", [0, 1, 999_999_999, 1_763_700_000_123_456_789])
def test_stamps_round_trip(stamp_ns: int) -> None:
    assert stamp_ns_from_ros(stamp_to_ros(stamp_ns)) == stamp_ns
    assert header_to_ros(stamp_ns, "a").stamp == stamp_to_ros(stamp_ns)
