"""A subscription to images whose reliability can follow the publisher's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import (
    HistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import QoSOverridingOptions

# Not the reliability: a parameter of the node decides it.
_OVERRIDABLE = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.DURABILITY)


class ImageInput:
    """Subscribes to one image topic and keeps only the newest message in the queue.

    With ``reliability`` "auto" it asks for reliable delivery, because large images lose fragments
    without, and falls back to best effort when a publisher offers no more.
    """

    def __init__(
        self,
        node: Node,
        message_type: type[Any],
        topic: str,
        on_message: Callable[[Any], None],
        *,
        reliability: str,
        callback_group: CallbackGroup,
    ) -> None:
        """Subscribe at once.

        Args:
            node: The node that subscribes.
            message_type: Type of the messages.
            topic: Name of the topic, before remapping.
            on_message: Called with every message.
            reliability: "auto", "reliable" or "best_effort".
            callback_group: Where ``on_message`` runs.
        """
        self.topic = node.resolve_topic_name(topic)
        self._node = node
        self._message_type = message_type
        self._on_message = on_message
        self._follows_publisher = reliability == "auto"
        self._callback_group = callback_group
        self._is_closed = False
        # Messages and events come as soon as there is a subscription, in other threads.
        self._lock = threading.Lock()
        best_effort = reliability == "best_effort"
        with self._lock:
            self._subscription = self._subscribe(
                ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
            )

    def close(self) -> None:
        """Unsubscribe."""
        with self._lock:
            self._is_closed = True
            self._node.destroy_subscription(self._subscription)

    def has_publisher(self) -> bool:
        """Whether anybody publishes the topic, in whatever type and QoS."""
        return bool(self._node.get_publishers_info_by_topic(self.topic))

    def silence(self) -> str:
        """Say why no message may have come."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return f"nobody publishes {self.topic}"
        expected = (
            f"{self._message_type.__module__.split('.')[0]}/msg/{self._message_type.__name__}"
        )
        types = sorted({info.topic_type for info in publishers})
        if expected not in types:
            return f"{self.topic} carries {', '.join(types)}, not {expected}: see image_transport"
        if self._subscription.qos_profile.reliability == ReliabilityPolicy.RELIABLE and any(
            info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT for info in publishers
        ):
            return f"{self.topic} is published best effort: set image_reliability to auto"
        return f"{self.topic} has a publisher, but no message arrived"

    def _subscribe(self, reliability: ReliabilityPolicy) -> Any:
        profile = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability)
        return self._node.create_subscription(
            self._message_type,
            self.topic,
            self._on_message,
            profile,
            callback_group=self._callback_group,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible_qos),
            qos_overriding_options=QoSOverridingOptions(policy_kinds=_OVERRIDABLE),
        )

    def _on_incompatible_qos(self, event: QoSRequestedIncompatibleQoSInfo) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        if policy != "RELIABILITY" or not self._follows_publisher:
            self._node.get_logger().warning(
                f"a publisher of {self.topic} offers another {policy.lower()} than asked for; "
                f"its messages do not arrive"
            )
            return
        self._follows_publisher = False
        self._node.get_logger().info(
            f"{self.topic} is published best effort: subscribing best effort, too"
        )
        # Not here: this callback belongs to the subscription that goes.
        executor = self._node.executor
        if executor is not None:
            executor.create_task(self._resubscribe_best_effort)

    def _resubscribe_best_effort(self) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._node.destroy_subscription(self._subscription)
            self._subscription = self._subscribe(ReliabilityPolicy.BEST_EFFORT)
