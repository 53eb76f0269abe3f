"""Meshes as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from pifuhd_ros.stages.atomic_file import written_atomically
from pifuhd_ros.stages.glb import glb_bytes
from pifuhd_ros.types.errors import ExportError
from pifuhd_ros.types.mesh import Mesh

if TYPE_CHECKING:
    import trimesh

FILE_FROM_OPTICAL = np.diag([1.0, -1.0, -1.0]).astype(np.float32)
"""(3, 3) half a turn about x: x right, y down, z forward → x right, y up, z towards the viewer."""


def export_mesh(mesh: Mesh, path: str | Path) -> Path:
    """Write a mesh as .glb, .obj or .ply, with normals and colours.

    All files hold metres, x right, y up, z towards the viewer, the camera at the origin: the frame
    that glTF prescribes and in which MeshLab, Blender and the like show a person upright, from the
    front. A point in the camera's optical frame is the point in the file turned by half about x.

    - .glb: binary glTF 2.0; colours in linear light, as it prescribes, 16 bits a channel;
      attribute ``_COLOR_SOURCE`` says where each comes from, in the order of ``color_sources`` in
      the mesh's ``extras``: guess, photo, albedo_system.
    - .obj: text; colours as ``v x y z r g b``, sRGB in [0, 1].
    - .ply: binary little endian; colours sRGB, 8 bits; ``seen`` 1 where the camera saw the vertex;
      ``color_source``: 0 a guess, 1 the photo, 2 the albedo system.

    Args:
        mesh: in metres in the camera's optical frame (x right, y down, z forward).
        path: where to; the ending chooses the format. An existing file is replaced only by a
            complete new one.

    Returns:
        The path.

    Raises:
        ExportError: the ending is unknown, the mesh is empty, or the file cannot be written.
    """
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ExportError(
            f"cannot write {path}: unknown file ending '{path.suffix}'; "
            f"choose one of {', '.join(EXPORT_ENDINGS)}"
        )
    if len(mesh.faces) == 0:
        raise ExportError(f"cannot write {path}: the mesh has no faces")
    with written_atomically(path) as temporary:
        temporary.write_bytes(writer(_in_file_frame(mesh)))
    return path


def _in_file_frame(mesh: Mesh) -> Mesh:
    return replace(
        mesh,
        vertices=mesh.vertices @ FILE_FROM_OPTICAL.T,
        normals=None if mesh.normals is None else mesh.normals @ FILE_FROM_OPTICAL.T,
    )


def _obj_bytes(mesh: Mesh) -> bytes:
    text = _as_trimesh(mesh).export(
        file_type="obj",
        include_normals=mesh.normals is not None,
        include_color=mesh.colors is not None,
        header="x right, y up, z towards the viewer, metres",
        digits=6,
    )
    return str(text).encode()


def _ply_bytes(mesh: Mesh) -> bytes:
    content = _as_trimesh(mesh).export(file_type="ply", vertex_normal=mesh.normals is not None)
    return cast(bytes, content)


def _as_trimesh(mesh: Mesh) -> trimesh.Trimesh:
    import trimesh

    of_vertex = {"seen": mesh.seen, "color_source": mesh.color_sources}
    return trimesh.Trimesh(
        vertices=mesh.vertices,
        faces=mesh.faces,
        vertex_normals=mesh.normals,
        vertex_colors=mesh.colors,
        vertex_attributes={
            name: values.astype(np.uint8)
            for name, values in of_vertex.items()
            if values is not None
        },
        process=False,
    )


_WRITERS: dict[str, Callable[[Mesh], bytes]] = {
    ".glb": glb_bytes,
    ".obj": _obj_bytes,
    ".ply": _ply_bytes,
}

EXPORT_ENDINGS = tuple(_WRITERS)
"""The file endings that ``export_mesh`` knows."""
