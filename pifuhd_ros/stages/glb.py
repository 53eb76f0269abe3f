"""Binary glTF, written by hand for its colours.

glTF wants vertex colours in linear light, which eight bits cannot hold without visible steps in the
dark: here they take sixteen. Attributes fill words of four bytes: the source of a color is a float.
And its default material is a bare metal: here it is matt.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pifuhd_ros.stages.srgb import linear_from_srgb
from pifuhd_ros.types.mesh import ColorSource, Mesh

_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_UNSIGNED_SHORT, _UNSIGNED_INT, _FLOAT = 5123, 5125, 5126
_JSON_CHUNK, _BINARY_CHUNK = b"JSON", b"BIN\0"

Json = Mapping[str, object]


def glb_bytes(mesh: Mesh) -> bytes:
    """A mesh as the bytes of a .glb file.

    Args:
        mesh: in metres, x right, y up, z towards the viewer.

    Source: glTF 2.0 specification, Khronos Group.
    """
    arrays: list[npt.NDArray[np.generic]] = [mesh.faces.astype("<u4").reshape(-1)]
    accessors: list[Json] = [_accessor(0, _UNSIGNED_INT, "SCALAR", mesh.faces.size)]
    attributes: dict[str, int] = {}

    def add(name: str, values: npt.NDArray[np.generic], accessor: Json) -> None:
        attributes[name] = len(arrays)
        arrays.append(values)
        accessors.append(accessor)

    count = len(mesh.vertices)
    bounds = {
        "min": mesh.vertices.min(axis=0).tolist(),
        "max": mesh.vertices.max(axis=0).tolist(),
    }
    position = _accessor(1, _FLOAT, "VEC3", count)
    add("POSITION", mesh.vertices.astype("<f4"), {**position, **bounds})
    if mesh.normals is not None:
        add("NORMAL", mesh.normals.astype("<f4"), _accessor(len(arrays), _FLOAT, "VEC3", count))
    if mesh.colors is not None:
        color = _accessor(len(arrays), _UNSIGNED_SHORT, "VEC4", count)
        add("COLOR_0", _linear_rgba16(mesh.colors), {**color, "normalized": True})
    extras: dict[str, object] = {"colors": mesh.shows}
    if mesh.color_sources is not None:
        extras["color_sources"] = [source.name.lower() for source in ColorSource]
        source = _accessor(len(arrays), _FLOAT, "SCALAR", count)
        add("_COLOR_SOURCE", mesh.color_sources.astype("<f4"), source)
    return _container(arrays, accessors, attributes, extras)


def _linear_rgba16(colors: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    rgba = np.full((len(colors), 4), 65535, dtype="<u2")
    rgba[:, :3] = np.round(linear_from_srgb(colors) * 65535.0)
    return rgba


def _accessor(view: int, component: int, kind: str, count: int) -> Json:
    return {"bufferView": view, "componentType": component, "type": kind, "count": count}


def _container(
    arrays: list[npt.NDArray[np.generic]],
    accessors: list[Json],
    attributes: Mapping[str, int],
    extras: Json,
) -> bytes:
    views: list[Json] = []
    binary = bytearray()
    for i, array in enumerate(arrays):
        target = _ARRAY_BUFFER if i else _ELEMENT_ARRAY_BUFFER
        views.append(
            {
                "buffer": 0,
                "byteOffset": len(binary),
                "byteLength": array.nbytes,
                "target": target,
            }
        )
        # All arrays are of four-byte words, so that each starts aligned, as glTF demands.
        binary += array.tobytes()
    primitive = {"attributes": dict(attributes), "indices": 0, "material": 0}
    document: Json = {
        "asset": {"version": "2.0", "generator": "pifuhd_ros"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "person"}],
        "meshes": [{"name": "person", "primitives": [primitive], "extras": extras}],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = _chunk(_JSON_CHUNK, text) + _chunk(_BINARY_CHUNK, bytes(binary))
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<I4s", len(data), kind) + data
