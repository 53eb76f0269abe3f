"""The capture node with a reconstructor that needs no networks: the image says what it does.

Run as a script, with ROS arguments. The colour of the image's first pixel is the command.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import trimesh

from pifuhd_ros.ros.capture_node import CaptureNode
from pifuhd_ros.ros.spin import run_node
from pifuhd_ros.types import (
    Frame,
    Mesh,
    NoPersonError,
    OnProgress,
    PersonDetection,
    Reconstruction,
    SurfaceError,
    WeightsError,
)

ONE_PERSON = (200, 200, 200)
TWO_PEOPLE = (255, 255, 255)
NOBODY = (0, 0, 0)
NO_SURFACE = (255, 0, 255)
CRASH = (255, 0, 0)
WAIT_FOR_RELEASE = (0, 0, 255)
RELEASE_FILE = "FAKE_RELEASE_FILE"
"""Environment variable: the file whose appearance ends WAIT_FOR_RELEASE."""

RADIUS_M = 0.9
DISTANCE_M = 3.0


class FakeReconstructor:
    """Answers what the first pixel asks for."""

    name = "pifuhd"

    @classmethod
    def from_pretrained(cls, weights: str | None = None, **_: object) -> FakeReconstructor:
        if weights == "missing":
            raise WeightsError("missing is not a file: give a weights file")
        if weights == "crash":
            raise RuntimeError("a bug in the loader")
        return cls()

    def detect(self, frame: Frame) -> list[PersonDetection]:
        return [] if tuple(frame.rgb[0, 0]) == NOBODY else [detection(frame)]

    def close(self) -> None:
        """Nothing is held."""

    def infer(self, frame: Frame, on_progress: OnProgress | None = None) -> list[Reconstruction]:
        report = on_progress or (lambda stage, progress: None)
        command = tuple(int(value) for value in frame.rgb[0, 0])
        report("detect", 0.0)
        if command == NOBODY:
            raise NoPersonError("no person was found: step in front of the camera")
        if command == NO_SURFACE:
            raise SurfaceError("the field has no surface")
        if command == CRASH:
            raise RuntimeError("CUDA out of memory")
        if command == WAIT_FOR_RELEASE:
            self._wait(report)
        report("surface", 0.5)
        report("texture", 1.0)
        count = 2 if command == TWO_PEOPLE else 1
        return [self._person(frame, number) for number in range(count)]

    def _wait(self, report: OnProgress) -> None:
        release = Path(os.environ[RELEASE_FILE])
        while not release.exists():
            report("surface", 0.25)
            time.sleep(0.01)

    def _person(self, frame: Frame, number: int) -> Reconstruction:
        return Reconstruction(
            mesh=ball(number),
            detection=detection(frame),
            timings_s={"detect": 0.25, "surface": 0.5, "texture": 0.125},
            scale_source="stature_prior" if frame.depth_m is None else "depth",
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            notices=("No calibration.",) if frame.camera is None else (),
        )


def detection(frame: Frame) -> PersonDetection:
    """Somebody who fills the image."""
    height, width = frame.rgb.shape[:2]
    return PersonDetection(
        box_xyxy_px=np.array([0.0, 0.0, width - 1.0, height - 1.0]),
        mask=np.ones((height, width), np.float32),
        keypoints_px=np.zeros((33, 3)),
        score=0.9,
    )


def ball(number: int) -> Mesh:
    """A ball in front of the camera, the next one further to the right."""
    sphere = trimesh.creation.icosphere(subdivisions=3, radius=RADIUS_M)
    normals = np.asarray(sphere.vertices, np.float32) / np.float32(RADIUS_M)
    return Mesh(
        vertices=normals * np.float32(RADIUS_M)
        + np.array([2.0 * number, 0.0, DISTANCE_M], np.float32),
        faces=np.asarray(sphere.faces, np.int64),
        normals=normals,
        colors=np.round((normals + 1) * 127.5).astype(np.uint8),
        seen=normals[:, 2] < 0,
    )


if __name__ == "__main__":
    run_node(
        lambda: CaptureNode({"pifuhd": FakeReconstructor}),
        arguments=sys.argv,
        on_start=CaptureNode.autostart,
        on_stop=CaptureNode.stop,
    )
