"""Child processes that never outlive their parent's block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_PATIENCE_S = 15.0
"""From SIGINT to SIGKILL; a node ends its running stage first."""


class ChildError(Exception):
    """A child process ended before its time."""


class PythonChild:
    """A module run by this Python in a process of its own, its output in a log file."""

    def __init__(
        self, module: str, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str]
    ) -> None:
        """Start the process.

        Args:
            module: What ``python -m`` runs.
            arguments: Its command line.
            log: File that stdout and stderr are appended to.
            environment: Variables to set besides the present ones.
        """
        self.module = module
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )

    def check(self) -> None:
        """Return while the process runs.

        Raises:
            ChildError: It has ended.
        """
        code = self._process.poll()
        if code is not None:
            raise ChildError(f"{self.module} ended with exit code {code}, see {self._log}")

    def stop(self) -> int:
        """End the process, kindly at first, and return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


@contextmanager
def running(children: Sequence[PythonChild]) -> Iterator[None]:
    """Stop all children when the block ends, however it ends."""
    try:
        yield
    finally:
        for child in children:
            child.stop()
