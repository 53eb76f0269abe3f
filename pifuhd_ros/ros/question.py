"""A service call that is made again until an answer comes."""

from __future__ import annotations

import time
from typing import Any

from rclpy.client import Client
from rclpy.task import Future

AGAIN_AFTER_S = 2.0


class Question:
    """A request that changes nothing, asked again until it is answered.

    While two nodes discover each other, a server may know a client's requests before it knows
    where to send answers; the answer is then lost for good (ros2/rmw_fastrtps issue 842). The state
    can be asked for twice, a transition or a capture cannot: ask for the state first.
    """

    def __init__(self, client: Client, request: Any) -> None:
        """Ask nothing yet.

        Args:
            client: Of the service.
            request: Whose answer does not depend on how often it was sent.
        """
        self._client = client
        self._request = request
        self._futures: list[Future] = []
        self._ask_at_s = 0.0

    def answer(self) -> Any | None:
        """The response, or None before there is one; call it again and again, while spinning."""
        for future in self._futures:
            if future.done():
                return future.result()
        if time.monotonic() >= self._ask_at_s and self._client.service_is_ready():
            self._futures.append(self._client.call_async(self._request))
            self._ask_at_s = time.monotonic() + AGAIN_AFTER_S
        return None
