"""A reconstructed person to markers for RViz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

from pifuhd_ros.geometry.bounds import bounds
from pifuhd_ros.ros.cdr import CdrWriter
from pifuhd_ros.stages.decimate import decimate_mesh
from pifuhd_ros.types import Mesh, Reconstruction

_BOX_COLOR = ColorRGBA(r=0.1, g=0.8, b=1.0, a=1.0)
_BOX_LINE_M = 0.008
_TEXT_COLOR = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
_TEXT_HEIGHT_M = 0.08
_TEXT_GAP_M = 0.1
_SCALE_WORDS = {"depth": "measured", "stature_prior": "assumed stature"}
_EDGES = tuple((low, low | axis) for low, axis in product(range(8), (1, 2, 4)) if not low & axis)
"""The edges of a box as pairs of corners; bit 0 of a corner is its x, bit 1 its y, bit 2 its z."""


@dataclass(frozen=True)
class _Drawing:
    """A marker, and what of it is too long for a list of messages."""

    marker: Marker
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    """Rows of the fields of this name."""


def serialized_markers(people: Sequence[Reconstruction], header: Header, max_faces: int) -> bytes:
    """Turn people into markers: a coloured mesh, a box, and a line of text each.

    The first marker deletes those of the capture before.

    Args:
        people: In the frame of the header, metres.
        header: Stamp and frame_id of the source image.
        max_faces: Most triangles a person: a triangle is 120 bytes on the wire.

    Returns:
        A serialized visualization_msgs/MarkerArray, to be published as it is.
    """
    drawings = [_Drawing(Marker(header=header, action=Marker.DELETEALL))]
    for number, person in enumerate(people):
        mesh = decimate_mesh(person.mesh, max_faces)
        drawings += [
            _mesh_drawing(mesh, header, number),
            _Drawing(_box_marker(mesh, header, number)),
            _Drawing(_text_marker(person, header, number)),
        ]
    writer = CdrWriter()
    # A MarkerArray is a sequence of markers and nothing else.
    writer.write_length(len(drawings))
    for drawing in drawings:
        writer.write_message(drawing.marker, drawing.arrays)
    return writer.to_bytes()


def _mesh_drawing(mesh: Mesh, header: Header, number: int) -> _Drawing:
    marker = _marker(Marker.TRIANGLE_LIST, "mesh", header, number)
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    marker.color = ColorRGBA(r=0.8, g=0.8, b=0.8, a=1.0)
    corners = mesh.faces.ravel()
    arrays: dict[str, npt.NDArray[Any]] = {
        "points": np.take(mesh.vertices.astype(np.float64), corners, axis=0)
    }
    if mesh.colors is not None:
        colors = np.ones((len(mesh.colors), 4), np.float32)
        colors[:, :3] = mesh.colors / np.float32(255)
        arrays["colors"] = np.take(colors, corners, axis=0)
    return _Drawing(marker, arrays)


def _box_marker(mesh: Mesh, header: Header, number: int) -> Marker:
    marker = _marker(Marker.LINE_LIST, "box", header, number)
    marker.scale.x = _BOX_LINE_M
    marker.color = _BOX_COLOR
    low, high = bounds(mesh.vertices)
    is_high = np.array([[corner >> axis & 1 for axis in range(3)] for corner in range(8)])
    corners = _points(np.where(is_high, high, low))
    marker.points = [corners[corner] for edge in _EDGES for corner in edge]
    return marker


def _text_marker(person: Reconstruction, header: Header, number: int) -> Marker:
    low, high = bounds(person.mesh.vertices)
    middle = (low + high) / 2
    marker = _marker(Marker.TEXT_VIEW_FACING, "text", header, number)
    marker.scale.z = _TEXT_HEIGHT_M
    marker.color = _TEXT_COLOR
    # y points down in the optical frame: above the head is less of it.
    above = np.array([middle[0], low[1] - _TEXT_GAP_M, middle[2]])
    marker.pose.position = _points(above[None])[0]
    marker.text = (
        f"{high[1] - low[1]:.2f} m high, {middle[2]:.2f} m away "
        f"({_SCALE_WORDS[person.scale_source]})"
    )
    return marker


def _marker(kind: int, name: str, header: Header, number: int) -> Marker:
    marker = Marker(header=header, ns=name, id=number, type=kind, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    return marker


def _points(positions: npt.NDArray[np.floating[Any]]) -> list[Point]:
    return [Point(x=x, y=y, z=z) for x, y, z in positions.astype(np.float64).tolist()]
