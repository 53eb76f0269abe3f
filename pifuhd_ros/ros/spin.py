"""Runs a node until a signal comes, and ends it in order."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from pifuhd_ros.ros.spinner import Spinner

AnyNode = TypeVar("AnyNode", bound=Node)
GRACE_S = 0.2
"""For answers that are on their way out when everything has been stopped."""


class StopSignal:
    """Turns SIGINT and SIGTERM, however often they come, into one event.

    rclpy's own handlers would end the communication at once: running requests could no longer be
    answered, and a second SIGINT, which ``ros2 launch`` sends, would interrupt the clean-up.
    """

    def __init__(self) -> None:
        """Install the handlers; call from the main thread."""
        self._event = threading.Event()
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def wait(self) -> None:
        """Block until a signal has come."""
        self._event.wait()

    def is_set(self) -> bool:
        """Whether a signal has come."""
        return self._event.is_set()

    def _on_signal(self, number: int, frame: object) -> None:
        self._event.set()


def run_node(
    make_node: Callable[[], AnyNode],
    *,
    arguments: list[str] | None = None,
    on_start: Callable[[AnyNode], None] | None = None,
    on_stop: Callable[[AnyNode], None] | None = None,
) -> None:
    """Spin a node until SIGINT or SIGTERM.

    A callback that raises is logged and costs one callback, not the node.

    Args:
        make_node: Called once ROS is initialized.
        arguments: Command line; None: the process's.
        on_start: Called once the node spins.
        on_stop: Called while everything still works, to end what runs.
    """
    stop = StopSignal()
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = make_node()
        spinner = Spinner(node)
        try:
            if on_start is not None and not stop.is_set():
                on_start(node)
            stop.wait()
            if on_stop is not None:
                on_stop(node)
                time.sleep(GRACE_S)
        finally:
            spinner.stop()
            node.destroy_node()
    finally:
        try_shutdown()
