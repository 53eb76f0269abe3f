"""The capture node with a reconstructor that needs no networks: the image says what it does.

Run as a script, with ROS arguments. The colour of the image's first pixel is the command.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
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
SLOW = (0, 255, 0)
STEP_S = 0.06
"""What each step of SLOW takes."""
OUT_OF_MEMORY: dict[tuple[int, int, int], Exception] = {
    (255, 1, 0): MemoryError("Unable to allocate 3.00 GiB for an array"),
    (255, 2, 0): torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    (255, 3, 0): RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
    (255, 4, 0): RuntimeError("CUDA error: out of memory"),
}
WAITING = "waiting for release"
"""Printed once WAIT_FOR_RELEASE waits."""
RELEASE_FILE = "FAKE_RELEASE_FILE"
"""Environment variable: the file whose appearance ends WAIT_FOR_RELEASE."""

RADIUS_M = 0.9
DISTANCE_M = 3.0


class FakeReconstructor:
    """Answers what the first pixel asks for."""

    name = "pifuhd"
    colors = ("photo",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = self._most_busy = 0

    @classmethod
    def from_pretrained(cls, weights: str | None = None, **_: object) -> FakeReconstructor:
        if weights == "missing":
            raise WeightsError("missing is not a file: give a weights file")
        if weights == "crash":
            raise RuntimeError("a bug in the loader")
        return cls()

    def detect(self, frame: Frame) -> list[PersonDetection]:
        with self._step(frame):
            return [] if command(frame) == NOBODY else [detection(frame)]

    def close(self) -> None:
        """Nothing is held."""

    def infer(self, frame: Frame, on_progress: OnProgress | None = None) -> list[Reconstruction]:
        report = on_progress or (lambda stage, progress: None)
        report("detect", 0.0)
        encoded = self.encode(frame, self.detect(frame), report)
        return self.extract(encoded, report)

    def encode(
        self,
        frame: Frame,
        people: Sequence[PersonDetection],
        on_progress: OnProgress | None = None,
    ) -> Frame:
        if not people:
            raise NoPersonError("no person was found: step in front of the camera")
        if command(frame) == CRASH:
            raise RuntimeError("a bug in the networks")
        if command(frame) in OUT_OF_MEMORY:
            raise OUT_OF_MEMORY[command(frame)]
        with self._step(frame):
            return frame

    def extract(
        self, encoded: Frame, on_progress: OnProgress | None = None
    ) -> list[Reconstruction]:
        report = on_progress or (lambda stage, progress: None)
        if command(encoded) == NO_SURFACE:
            raise SurfaceError("the field has no surface")
        if command(encoded) == WAIT_FOR_RELEASE:
            self._wait(report)
        with self._step(encoded):
            report("surface", 0.5)
            report("texture", 1.0)
            count = 2 if command(encoded) == TWO_PEOPLE else 1
            return [self._person(encoded, number) for number in range(count)]

    @contextmanager
    def _step(self, frame: Frame) -> Iterator[None]:
        """Counts the steps that are busy at once; each of SLOW takes its time."""
        with self._lock:
            self._busy += 1
            self._most_busy = max(self._most_busy, self._busy)
        try:
            if command(frame) == SLOW:
                time.sleep(STEP_S)
            yield
        finally:
            with self._lock:
                self._busy -= 1

    def _wait(self, report: OnProgress) -> None:
        release = Path(os.environ[RELEASE_FILE])
        print(WAITING, flush=True)
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
            notices=self._notices(frame),
        )

    def _notices(self, frame: Frame) -> tuple[str, ...]:
        if command(frame) == SLOW:
            return (f"{self._most_busy} steps at once",)
        return ("No calibration.",) if frame.camera is None else ()


def command(frame: Frame) -> tuple[int, int, int]:
    """What the image asks for."""
    red, green, blue = frame.rgb[0, 0].tolist()
    return red, green, blue


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
