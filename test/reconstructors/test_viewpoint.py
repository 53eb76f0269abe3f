"""Which camera a frame was taken by, where it says so and where it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pifuhd_ros.geometry.cameras import camera_from_focal, vertical_fov_deg
from pifuhd_ros.reconstructors.viewpoint import camera_of
from pifuhd_ros.stages.image_io import frame_from_array


def test_the_frame_s_own_camera_counts_and_else_the_assumed_field_of_view() -> None:
    frame = frame_from_array(np.zeros((100, 200, 3), np.uint8))
    own = camera_from_focal(321, 200, 100)
    assert camera_of(replace(frame, camera=own), 60.0) is own
    assert vertical_fov_deg(camera_of(frame, 47.0)) == pytest.approx(47.0)
