"""The most salient person of an image: mediapipe's BlazePose with its segmentation."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.stages.native_log import MEDIAPIPE_NOISE, without_native_lines

KEYPOINTS = 33
MIN_SIDE_PX = 32
"""Smaller images are not looked at; at 48 pixels a standing person is still found."""


@dataclass(frozen=True)
class Pose:
    """One person's pose in the pixels of the image given."""

    mask: npt.NDArray[np.float32]
    """(H, W) in [0, 1]."""
    keypoints_px: npt.NDArray[np.float64]
    """(33, 3) x, y, visibility in [0, 1]; points outside the image are predicted too."""
    keypoints_world_m: npt.NDArray[np.float64]
    """(33, 3) x right, y down, z away from the camera, origin between the hips."""


class BlazePose:
    """Holds mediapipe's graph, which takes about a second to load; finds one person an image.

    Works offline: the models lie in mediapipe's wheel. Calls from several threads are made one
    after another.

    Source: Bazarevsky et al., BlazePose: On-device Real-time Body Pose Tracking, 2020.
    """

    def __init__(self, min_confidence: float = 0.5) -> None:
        """Load the graph.

        Args:
            min_confidence: of the person detector, in [0, 1].
        """
        self._lock = threading.Lock()
        # mediapipe warns once more when it first finds someone.
        self._has_found = False
        with without_native_lines(MEDIAPIPE_NOISE):
            from mediapipe.python.solutions.pose import Pose as Graph

            self._graph: Any = Graph(
                static_image_mode=True,
                model_complexity=1,
                enable_segmentation=True,
                min_detection_confidence=min_confidence,
            )
            # The graph's threads load the models, and log, on the first image.
            self._graph.process(np.zeros((MIN_SIDE_PX, MIN_SIDE_PX, 3), np.uint8))

    def find(self, rgb: npt.NDArray[np.uint8]) -> Pose | None:
        """The pose of the most salient person, or None.

        Args:
            rgb: (H, W, 3), sRGB.
        """
        height, width = rgb.shape[:2]
        if min(height, width) < MIN_SIDE_PX:
            return None
        with self._lock:
            result = self._process(np.ascontiguousarray(rgb))
        if result.pose_landmarks is None or result.segmentation_mask is None:
            return None
        image_points = result.pose_landmarks.landmark
        world_points = result.pose_world_landmarks.landmark
        return Pose(
            mask=np.clip(result.segmentation_mask, 0.0, 1.0).astype(np.float32),
            # Landmarks are in units of the image, whose left edge lies at pixel -0.5.
            keypoints_px=np.array(
                [(p.x * width - 0.5, p.y * height - 0.5, p.visibility) for p in image_points]
            ),
            keypoints_world_m=np.array([(p.x, p.y, p.z) for p in world_points]),
        )

    def close(self) -> None:
        """Free the graph."""
        with self._lock:
            self._graph.close()

    def _process(self, rgb: npt.NDArray[np.uint8]) -> Any:
        if self._has_found:
            return self._graph.process(rgb)
        with without_native_lines(MEDIAPIPE_NOISE):
            result = self._graph.process(rgb)
        self._has_found = result.pose_landmarks is not None
        return result
