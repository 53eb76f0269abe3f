"""How long the capture node takes to give its results to the middleware.

It needs ROS 2.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import torch
from goals import GOALS
from measure import Case, peak_memory_gb, summarize_stages
from person_shape import CapsulePerson

from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import Mesh, PersonDetection, Reconstruction

RESOLUTION = 368
"""The surface of the capsule person has about 200,000 faces at this one."""
MARKER_FACES = 20_000
"""As by default."""


def publishing(runs: int, *, quick: bool = False) -> Case:
    """A person of about 200,000 faces from the result of the reconstruction to every topic."""
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "OFF"
    import rclpy
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from sensor_msgs.msg import PointCloud2
    from visualization_msgs.msg import MarkerArray

    from pifuhd_ros.msg import PersonMesh
    from pifuhd_ros.ros.headers import header_to_ros
    from pifuhd_ros.ros.markers import serialized_markers
    from pifuhd_ros.ros.person_meshes import person_mesh_to_ros
    from pifuhd_ros.ros.points import points_to_ros

    person = _person(48 if quick else RESOLUTION)
    faces = len(person.mesh.faces)
    header = header_to_ros(person.stamp_ns, person.frame_id)
    rclpy.init()
    node = rclpy.create_node("publishing")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    to_mesh = node.create_publisher(PersonMesh, "mesh", latched)
    to_points = node.create_publisher(PointCloud2, "points", latched)
    to_markers = node.create_publisher(MarkerArray, "markers", latched)

    def publish() -> dict[str, float]:
        watch = StageWatch(torch.device("cpu"))
        watch("mesh", 0.0)
        to_mesh.publish(person_mesh_to_ros(person, "pifuhd"))
        watch("points", 0.3)
        to_points.publish(points_to_ros([person.mesh], header))
        watch("markers, decimated", 0.6)
        to_markers.publish(serialized_markers([person], header, MARKER_FACES))
        return watch.take_timings_s()

    def publish_whole_marker() -> float:
        watch = StageWatch(torch.device("cpu"))
        watch("markers", 0.0)
        to_markers.publish(serialized_markers([person], header, faces))
        return watch.take_timings_s()["markers"]

    publish()
    stages, total = summarize_stages([publish() for _ in range(runs)])
    whole_s = float(np.median([publish_whole_marker() for _ in range(runs)]))
    node.destroy_node()
    rclpy.shutdown()
    return Case(
        "publishing",
        f"results to the middleware, a person of {faces:,} faces",
        stages,
        total,
        peak_memory_gb(),
        {"markers_not_decimated_s": whole_s},
        goal=GOALS["publishing", "cpu"],
        note=f"messages made and published, latched, without a subscriber; markers of "
        f"{MARKER_FACES:,} faces; without the preview picture.",
    )


def _person(resolution: int) -> Reconstruction:
    shape = extract_surface(CapsulePerson(torch.device("cpu")), resolution).mesh
    vertices = shape.vertices * np.float32([0.9, -0.9, -0.9]) + np.float32([0, 0, 3])
    mesh = Mesh(
        vertices=vertices,
        faces=shape.faces,
        normals=None if shape.normals is None else shape.normals * np.float32([1, -1, -1]),
        colors=np.uint8(255 * np.abs(np.sin(20 * vertices))),
        seen=vertices[:, 2] < 3,
    )
    detection = PersonDetection(
        box_xyxy_px=np.array([0.0, 0.0, 100.0, 300.0]),
        mask=np.zeros((480, 640), np.float32),
        keypoints_px=np.zeros((33, 3)),
        score=0.9,
    )
    person = Reconstruction(mesh, detection, timings_s={}, scale_source="stature_prior")
    return replace(person, frame_id="camera_optical_frame")
