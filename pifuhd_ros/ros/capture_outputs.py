"""The topics on which a capture's results go out."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle.publisher import LifecyclePublisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from pifuhd_ros.msg import PersonMesh
from pifuhd_ros.ros.headers import header_to_ros
from pifuhd_ros.ros.images import image_to_ros
from pifuhd_ros.ros.markers import serialized_markers
from pifuhd_ros.ros.parameters import CaptureParameters
from pifuhd_ros.ros.person_meshes import person_mesh_to_ros
from pifuhd_ros.ros.points import points_to_ros
from pifuhd_ros.ros.preview import preview
from pifuhd_ros.types import Frame, Reconstruction

LATCHED_MESHES = 10
"""As many people of the last captures a late subscriber still gets; each is a message."""


class CaptureOutputs:
    """Publishes results; late subscribers get the last ones. Every header is the source image's."""

    def __init__(self, node: LifecycleNode) -> None:
        """Advertise; the publishers follow the lifecycle of the node."""
        self._node = node
        self._publishers: list[LifecyclePublisher] = []
        self._mesh = self._advertise(PersonMesh, "~/mesh", depth=LATCHED_MESHES)
        self._points = self._advertise(PointCloud2, "~/points")
        self._markers = self._advertise(MarkerArray, "~/markers")
        self._preview = self._advertise(Image, "~/preview")

    def close(self) -> None:
        """Take the topics back."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)

    def publish(
        self,
        frame: Frame,
        people: Sequence[Reconstruction],
        parameters: CaptureParameters,
        *,
        only_heard: bool = False,
    ) -> tuple[PersonMesh, ...]:
        """Publish the people of a frame.

        Args:
            frame: The frame that shows them.
            people: Who was reconstructed.
            parameters: As they are at this moment.
            only_heard: Leave out what nobody subscribes to at this moment.

        Returns:
            The people's meshes as messages; none where they were left out.
        """

        def wanted(publisher: LifecyclePublisher) -> bool:
            return not only_heard or publisher.get_subscription_count() > 0

        header = header_to_ros(frame.stamp_ns, frame.frame_id)
        messages: tuple[PersonMesh, ...] = ()
        if wanted(self._mesh):
            messages = tuple(person_mesh_to_ros(person, parameters.system) for person in people)
        for message in messages:
            self._mesh.publish(message)
        if wanted(self._points):
            self._points.publish(points_to_ros([person.mesh for person in people], header))
        if wanted(self._markers):
            self._markers.publish(serialized_markers(people, header, parameters.marker_max_faces))
        if parameters.preview_height_px > 0 and wanted(self._preview):
            picture = preview(frame, people, parameters.preview_height_px)
            self._preview.publish(image_to_ros(picture, header))
        return messages

    def _advertise(
        self, message_type: type[object], topic: str, *, depth: int = 1
    ) -> LifecyclePublisher:
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=depth,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
        publisher: LifecyclePublisher = self._node.create_lifecycle_publisher(
            message_type,
            topic,
            profile,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._publishers.append(publisher)
        return publisher
