"""The face of a detected person as 468 points in space: mediapipe's face mesh."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pifuhd_ros.stages.native_log import MEDIAPIPE_NOISE, without_native_lines

FACE_POINTS = 468
MIN_FACE_PX = 24
"""Faces that are seen smaller say nothing of their relief."""

_NOSE_TIP = 1
_HEAD = slice(0, 11)
"""BlazePose's points of eyes, ears, nose and mouth."""
_SHOULDERS = (11, 12)
_VIEW_PX = 256
"""Side of the view of the head that is searched; the network itself sees 192 pixels."""


@lru_cache(maxsize=1)
def face_triangles() -> npt.NDArray[np.int64]:
    """(F, 3) rows of the points, turning either way: mediapipe lists the mesh's edges only."""
    from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION

    beside: dict[int, set[int]] = {}
    for a, b in FACEMESH_TESSELATION:
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    found = {
        tuple(sorted((a, b, c))) for a, b in FACEMESH_TESSELATION for c in beside[a] & beside[b]
    }
    # Three edges around a point that has no others are no triangle.
    around = {tuple(sorted(ring)) for ring in beside.values() if len(ring) == 3}
    return np.array(sorted(found - around), dtype=np.int64)


class FaceFinder:
    """Holds mediapipe's graph; works offline, and one call after another.

    Source: Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video on Mobile
    GPUs, 2019.
    """

    def __init__(self, min_confidence: float = 0.5) -> None:
        """Load the graph; ``min_confidence`` is that of the face detector, in [0, 1]."""
        self._lock = threading.Lock()
        with without_native_lines(MEDIAPIPE_NOISE):
            from mediapipe.python.solutions.face_mesh import FaceMesh as Graph

            self._graph: Any = Graph(
                static_image_mode=True,
                max_num_faces=1,
                min_detection_confidence=min_confidence,
            )
            self._graph.process(np.zeros((_VIEW_PX, _VIEW_PX, 3), np.uint8))

    def find(
        self, rgb: npt.NDArray[np.uint8], keypoints_px: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64] | None:
        """The face of one person, or None where it is hidden, turned away or too small.

        Args:
            rgb: (H, W, 3), sRGB.
            keypoints_px: (33, 3) of the person, see PersonDetection.

        Returns:
            (468, 3) x, y in pixels of the image, and z in the same unit, away from the camera, from
            somewhere in the head.
        """
        import cv2

        middle = keypoints_px[_HEAD, :2].mean(axis=0)
        shoulders = keypoints_px[_SHOULDERS, :2]
        reach_px = max(
            2.2 * float(np.abs(keypoints_px[_HEAD, :2] - middle).max()),
            0.54 * float(np.linalg.norm(shoulders[0] - shoulders[1])),
            0.8 * float(np.linalg.norm(shoulders.mean(axis=0) - middle)),
        )
        if not np.isfinite(reach_px) or reach_px < MIN_FACE_PX:
            return None
        scale = 2 * reach_px / _VIEW_PX
        corner = middle - reach_px
        # Only what lies around the head is smoothed: frames can be large.
        size = rgb.shape[1::-1]
        low = np.clip(np.floor(corner - scale), 0, size).astype(int)
        high = np.clip(np.ceil(corner + 2 * reach_px + scale) + 1, 0, size).astype(int)
        if np.any(low >= high):
            return None
        around = rgb[low[1] : high[1], low[0] : high[0]]
        smooth = cv2.blur(around, (round(scale),) * 2) if scale >= 2 else around
        from_view = np.array([[scale, 0, corner[0] - low[0]], [0, scale, corner[1] - low[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        view = cv2.warpAffine(smooth, from_view, (_VIEW_PX, _VIEW_PX), flags=flags)
        with self._lock:
            faces = self._graph.process(np.ascontiguousarray(view)).multi_face_landmarks
        if not faces:
            return None
        points = np.array([(p.x, p.y, p.z) for p in faces[0].landmark]) * (_VIEW_PX * scale)
        points[:, :2] += corner - 0.5
        if np.linalg.norm(points[_NOSE_TIP, :2] - keypoints_px[0, :2]) > 0.4 * reach_px:
            return None
        return points

    def close(self) -> None:
        """Free the graph."""
        with self._lock:
            self._graph.close()
