"""A checkpoint as a folder of small files, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import torch

from pifuhd_ros.types import WeightsError

PART_BYTES = 15 * 2**20
"""No file of a checkpoint is larger: some ways between machines take 16 MB at most."""
_MANIFEST = "manifest.json"
_PREFIX = "step-"


class _Parts(io.RawIOBase):
    """A stream that goes on in a new file whenever one is full."""

    def __init__(self, folder: Path, part_bytes: int) -> None:
        self._folder = folder
        self._part_bytes = part_bytes
        self._buffer = bytearray()
        self.written: list[dict[str, object]] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._buffer += data
        while len(self._buffer) >= self._part_bytes:
            self._next()
        return len(data)

    def finish(self) -> None:
        if self._buffer:
            self._next()

    def _next(self) -> None:
        data = bytes(self._buffer[: self._part_bytes])
        del self._buffer[: self._part_bytes]
        name = f"part-{len(self.written):03d}.bin"
        (self._folder / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.written.append({"name": name, "bytes": len(data), "sha256": digest})


def write_checkpoint(
    folder: Path, step: int, state: Mapping[str, Any], part_bytes: int = PART_BYTES
) -> None:
    """Write ``folder/step-…``, and then remove older ones.

    Args:
        folder: Of a stage.
        step: Names the checkpoint.
        state: Tensors and plain values.
        part_bytes: No file is larger.
    """
    target = folder / f"{_PREFIX}{step:08d}"
    partial = target.with_suffix(".partial")
    for rest in (partial, target):
        shutil.rmtree(rest, ignore_errors=True)
    partial.mkdir(parents=True)
    parts = _Parts(partial, part_bytes)
    torch.save(dict(state), cast(IO[bytes], parts))
    parts.finish()
    manifest = {"step": step, "parts": parts.written}
    (partial / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, target)
    for other in folder.glob(f"{_PREFIX}*"):
        if other != target:
            shutil.rmtree(other)


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint of a stage's folder, on the CPU; None where there is none.

    Raises:
        WeightsError: a part is missing or damaged.
    """
    found = [p for p in sorted(folder.glob(f"{_PREFIX}*")) if p.suffix != ".partial"]
    if not found:
        return None
    newest = found[-1]
    data = bytearray()
    try:
        manifest = json.loads((newest / _MANIFEST).read_text(encoding="utf-8"))
        for part in manifest["parts"]:
            content = (newest / part["name"]).read_bytes()
            if hashlib.sha256(content).hexdigest() != part["sha256"]:
                raise WeightsError(
                    f"{newest / part['name']} is damaged: copy it again, or remove {newest} to "
                    "start the stage anew"
                )
            data += content
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{newest} is incomplete ({error}): copy all of its files, or remove it to start the "
            "stage anew"
        ) from error
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return state
