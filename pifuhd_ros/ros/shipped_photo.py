"""The picture of a person that the package brings along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path


@contextmanager
def shipped_photo() -> Iterator[Path]:
    """Provide the picture, which the project has rendered itself, as a file."""
    with resources.as_file(resources.files("pifuhd_ros") / "data" / "demo.png") as path:
        yield path
