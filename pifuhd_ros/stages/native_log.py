"""Known noise of native libraries kept off the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

MEDIAPIPE_NOISE = (
    b"Created TensorFlow Lite XNNPACK delegate",
    b"All log messages before absl::InitializeLog()",
    b"inference_feedback_manager.cc",
    b"landmark_projection_calculator.cc",
)
"""What mediapipe says of itself when it loads and when it first finds someone."""


@contextmanager
def without_native_lines(noise: Sequence[bytes]) -> Iterator[None]:
    """Drop the lines that native code writes to the process's stderr and that contain ``noise``.

    Libraries written in C++ log past Python to file descriptor 2. While the context is open that
    descriptor leads to a temporary file; on leaving, every other line is written where it
    belongs, so nothing unknown is lost, only late. The descriptor is the whole process's: keep
    the context short.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        stderr_fd = os.dup(2)
        try:
            os.dup2(held.fileno(), 2)
            yield
        finally:
            os.dup2(stderr_fd, 2)
            held.seek(0)
            for line in held:
                if not any(words in line for words in noise):
                    os.write(stderr_fd, line)
            os.close(stderr_fd)
