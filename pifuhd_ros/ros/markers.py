"""A reconstructed person to markers for RViz."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

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


def markers_to_ros(people: Sequence[Reconstruction], header: Header, max_faces: int) -> MarkerArray:
    """Turn people into markers: a coloured mesh, a box, and a line of text each.

    The first marker deletes those of the capture before.

    Args:
        people: In the frame of the header, metres.
        header: Stamp and frame_id of the source image.
        max_faces: Most triangles a person: RViz reads a triangle as three messages.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for number, person in enumerate(people):
        mesh = decimate_mesh(person.mesh, max_faces)
        markers += [
            _mesh_marker(mesh, header, number),
            _box_marker(mesh, header, number),
            _text_marker(person, header, number),
        ]
    return MarkerArray(markers=markers)


def _mesh_marker(mesh: Mesh, header: Header, number: int) -> Marker:
    marker = _marker(Marker.TRIANGLE_LIST, "mesh", header, number)
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    marker.color = ColorRGBA(r=0.8, g=0.8, b=0.8, a=1.0)
    corners = mesh.faces.ravel().tolist()
    # One message a vertex, not one a corner: making them is what takes the time.
    points = _points(mesh.vertices)
    marker.points = [points[corner] for corner in corners]
    if mesh.colors is not None:
        colors = [
            ColorRGBA(r=red, g=green, b=blue, a=1.0)
            for red, green, blue in (mesh.colors / 255.0).tolist()
        ]
        marker.colors = [colors[corner] for corner in corners]
    return marker


def _box_marker(mesh: Mesh, header: Header, number: int) -> Marker:
    marker = _marker(Marker.LINE_LIST, "box", header, number)
    marker.scale.x = _BOX_LINE_M
    marker.color = _BOX_COLOR
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    is_high = np.array([[corner >> axis & 1 for axis in range(3)] for corner in range(8)])
    corners = _points(np.where(is_high, high, low))
    marker.points = [corners[corner] for edge in _EDGES for corner in edge]
    return marker


def _text_marker(person: Reconstruction, header: Header, number: int) -> Marker:
    low, high = person.mesh.vertices.min(axis=0), person.mesh.vertices.max(axis=0)
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
