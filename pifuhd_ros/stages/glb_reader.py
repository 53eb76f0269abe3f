"""Reads back what ``glb_bytes`` writes."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from pifuhd_ros.stages.export import FILE_FROM_OPTICAL
from pifuhd_ros.stages.srgb import srgb_from_linear
from pifuhd_ros.types.errors import MeshError
from pifuhd_ros.types.mesh import ColorKind, Mesh

_TYPES = {5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def read_glb(path: Path) -> Mesh:
    """A mesh of ``export_mesh``, back in the camera's optical frame.

    Args:
        path: of a .glb file of this package.

    Raises:
        MeshError: there is no such file, it is damaged, or another program wrote it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MeshError(f"cannot read {path}: {error.strerror}") from error
    try:
        return _mesh(content)
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise MeshError(
            f"{path} is no .glb file of pifuhd reconstruct, or it is damaged ({error})"
        ) from error


def _mesh(content: bytes) -> Mesh:
    magic, version, length = struct.unpack_from("<4sII", content)
    if (magic, version, length) != (b"glTF", 2, len(content)):
        raise ValueError("its head is not that of binary glTF 2.0")
    (json_length,) = struct.unpack_from("<I", content, 12)
    document = json.loads(content[20 : 20 + json_length])
    binary = content[28 + json_length :]
    (mesh,) = document["meshes"]
    (primitive,) = mesh["primitives"]
    kind = mesh["extras"]["colors"]
    if kind not in get_args(ColorKind):
        raise ValueError(f"its colours are {kind!r}")
    names = primitive["attributes"]
    arrays = {name: _array(document, binary, number) for name, number in names.items()}
    vertices = arrays["POSITION"].astype(np.float32)
    faces = _array(document, binary, primitive["indices"]).astype(np.int64).reshape(-1, 3)
    if len(faces) and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise ValueError("its faces name vertices that it does not have")
    normals, colors = arrays.get("NORMAL"), arrays.get("COLOR_0")
    sources = arrays.get("_COLOR_SOURCE")
    return Mesh(
        vertices=vertices @ FILE_FROM_OPTICAL,
        faces=faces,
        normals=None if normals is None else normals.astype(np.float32) @ FILE_FROM_OPTICAL,
        colors=None if colors is None else srgb_from_linear(colors[:, :3] / 65535.0),
        shows=kind,
        color_sources=None if sources is None else sources[:, 0].astype(np.uint8),
    )


def _array(document: Any, binary: bytes, number: int) -> npt.NDArray[Any]:
    accessor = document["accessors"][number]
    view = document["bufferViews"][accessor["bufferView"]]
    width = _WIDTHS[accessor["type"]]
    values = np.frombuffer(
        binary, _TYPES[accessor["componentType"]], accessor["count"] * width, view["byteOffset"]
    )
    return values.reshape(-1, width)
