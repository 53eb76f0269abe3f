"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pifuhd_ros.types.errors import ExportError


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to, and rename it when that has worked.

    Raises:
        ExportError: the folder does not exist or cannot be written to.
    """
    if not path.parent.is_dir():
        raise ExportError(f"cannot write {path}: there is no folder {path.parent}; create it first")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
