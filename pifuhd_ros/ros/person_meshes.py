"""A reconstructed person to a PersonMesh message, and the mesh back."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Point

from pifuhd_ros.geometry.bounds import bounds
from pifuhd_ros.msg import PersonMesh
from pifuhd_ros.ros.headers import header_to_ros
from pifuhd_ros.types import Mesh, Reconstruction


def person_mesh_to_ros(person: Reconstruction, system: str) -> PersonMesh:
    """Turn a reconstructed person into a message with the header of the source image.

    Args:
        person: The person, in the camera's optical frame.
        system: Name of the system that reconstructed it.
    """
    mesh = person.mesh
    low, high = (corner.tolist() for corner in bounds(mesh.vertices))
    message = PersonMesh(
        header=header_to_ros(person.stamp_ns, person.frame_id),
        system=system,
        scale_source=person.scale_source,
        notices=list(person.notices),
        score=float(person.detection.score),
        is_cut_off=bool(person.detection.is_cut_off),
        box_xyxy_px=person.detection.box_xyxy_px.astype(np.float32),
        box_min=Point(x=low[0], y=low[1], z=low[2]),
        box_max=Point(x=high[0], y=high[1], z=high[2]),
    )
    message.vertices = _to_array("f", mesh.vertices)
    message.faces = _to_array("I", mesh.faces)
    message.normals = _to_array("f", mesh.normals)
    message.colors = _to_array("B", mesh.colors)
    message.seen = _to_array("B", mesh.seen)
    message.color_sources = _to_array("B", mesh.color_sources)
    return message


def person_mesh_from_ros(message: PersonMesh) -> Mesh:
    """Take the mesh out of a message.

    Returns:
        The mesh, in the frame of the message's header, metres.

    Raises:
        ValueError: The lengths of the arrays do not fit each other, or a face names a vertex that
            is not there.
    """
    vertices = _rows(message, "vertices", "f", np.float32)
    faces = _rows(message, "faces", "I", np.uint32).astype(np.int64)
    if faces.size and faces.max() >= len(vertices):
        raise ValueError(
            f"PersonMesh has {len(vertices)} vertices, and a face that names number {faces.max()}"
        )
    normals = _rows(message, "normals", "f", np.float32)
    colors = _rows(message, "colors", "B", np.uint8)
    seen = np.array(message.seen, np.uint8).astype(np.bool_)
    sources = np.array(message.color_sources, np.uint8)
    of_vertex = {"normals": normals, "colors": colors, "seen": seen, "color_sources": sources}
    for name, values in of_vertex.items():
        if len(values) not in (0, len(vertices)):
            raise ValueError(f"PersonMesh has {len(vertices)} vertices, but {len(values)} {name}")
    return Mesh(
        vertices=vertices,
        faces=faces,
        normals=normals if len(normals) else None,
        colors=colors if len(colors) else None,
        seen=seen if len(seen) else None,
        color_sources=sources if len(sources) else None,
    )


def _to_array(code: str, values: npt.NDArray[Any] | None) -> array[Any]:
    """A flat copy; rclpy takes an array.array as it is and looks at every number of all else."""
    flat = array(code)
    if values is not None and values.size > 0:
        flat.frombytes(np.ascontiguousarray(values, np.dtype(code)).data.cast("B"))
    return flat


def _rows(message: PersonMesh, name: str, code: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    flat = np.array(getattr(message, name), np.dtype(code))
    if len(flat) % 3:
        raise ValueError(f"PersonMesh.{name} has {len(flat)} numbers, not three for each row")
    return flat.reshape(-1, 3).astype(dtype, copy=False)
