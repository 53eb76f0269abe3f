"""The vertices of meshes to a point cloud message and back."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from pifuhd_ros.types import Mesh

_POINT = np.dtype(
    {
        "names": ["xyz", "bgr", "normal", "seen", "color_source"],
        "formats": [("<f4", 3), ("u1", 3), ("<f4", 3), "u1", "u1"],
        "offsets": [0, 12, 16, 28, 29],
        "itemsize": 32,
    }
)
"""One point in memory."""
_FIELDS = tuple(
    PointField(name=name, offset=offset, datatype=datatype, count=1)
    for name, offset, datatype in (
        ("x", 0, PointField.FLOAT32),
        ("y", 4, PointField.FLOAT32),
        ("z", 8, PointField.FLOAT32),
        # 0x00RRGGBB in the bits of a float: what PCL and RViz expect under this name.
        ("rgb", 12, PointField.FLOAT32),
        ("normal_x", 16, PointField.FLOAT32),
        ("normal_y", 20, PointField.FLOAT32),
        ("normal_z", 24, PointField.FLOAT32),
        ("seen", 28, PointField.UINT8),
        ("color_source", 29, PointField.UINT8),
    )
)
"""The same point, as the message describes it."""


def points_to_ros(meshes: Sequence[Mesh], header: Header) -> PointCloud2:
    """Turn the vertices of meshes into one cloud: x y z [m], rgb, normal, seen, color_source.

    What a mesh does not know is NaN in normals, white in colours, and 0 in seen and color_source.

    Args:
        meshes: One a person, all in the frame of the header.
        header: Stamp and frame_id of the source image.
    """
    points = np.zeros(sum(len(mesh.vertices) for mesh in meshes), _POINT)
    start = 0
    for mesh in meshes:
        part = points[start : start + len(mesh.vertices)]
        start += len(mesh.vertices)
        part["xyz"] = mesh.vertices
        part["bgr"] = 255 if mesh.colors is None else mesh.colors[:, ::-1]
        part["normal"] = np.nan if mesh.normals is None else mesh.normals
        part["seen"] = 0 if mesh.seen is None else mesh.seen
        part["color_source"] = 0 if mesh.color_sources is None else mesh.color_sources
    message = PointCloud2(
        header=header,
        height=1,
        width=len(points),
        fields=list(_FIELDS),
        point_step=_POINT.itemsize,
        row_step=_POINT.itemsize * len(points),
        is_dense=bool(np.isfinite(points["xyz"]).all()),
    )
    message.data = array("B", points.tobytes())
    return message


def points_from_ros(message: PointCloud2) -> Mesh:
    """Read a cloud that points_to_ros made.

    Returns:
        The points of all people as a mesh without faces.

    Raises:
        ValueError: The cloud has other fields than those of points_to_ros, or too little data.
    """
    if tuple(message.fields) != _FIELDS or message.is_bigendian:
        raise ValueError(
            f"the cloud's fields are {', '.join(field.name for field in message.fields)}; "
            f"expected {', '.join(field.name for field in _FIELDS)}, laid out by points_to_ros"
        )
    points = np.frombuffer(message.data, _POINT, count=message.width * message.height)
    return Mesh(
        vertices=points["xyz"].copy(),
        faces=np.zeros((0, 3), np.int64),
        normals=points["normal"].copy(),
        colors=points["bgr"][:, ::-1].copy(),
        seen=points["seen"].astype(np.bool_),
        color_sources=points["color_source"].copy(),
    )
