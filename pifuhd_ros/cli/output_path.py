"""Where a command writes: checked before the work, not after it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path


def path_ending_in(*endings: str) -> Callable[[str], Path]:
    """A type for argparse: a path with one of these endings, capital or not."""

    def parse(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in endings:
            raise argparse.ArgumentTypeError(f"{text!r} does not end in {' or '.join(endings)}")
        return path

    return parse


def check_writable(path: Path) -> None:
    """Look whether a file can be written.

    Raises:
        ExportError: its folder is missing or not writable, or it is a folder itself.
    """
    from pifuhd_ros.types import ExportError

    folder = path.parent
    if not folder.is_dir():
        raise ExportError(f"cannot write {path}: there is no folder {folder}; create it first")
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise ExportError(f"cannot write {path}: choose another place")
