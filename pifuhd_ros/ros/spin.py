"""Runs a node until a signal comes, and ends it in order."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

CALLBACK_THREADS = 6
"""A waiting service, a waiting action and a continuous capture leave three for everything else."""

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
        spinner = _Spinner(node)
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


class _Spinner:
    """Runs a node's callbacks in threads of its own."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._executor = _Executor(num_threads=CALLBACK_THREADS)
        self._executor.add_node(node)
        self._is_stopping = False
        self._thread = threading.Thread(target=self._spin, name="spin")
        self._thread.start()

    def stop(self) -> None:
        """Start no more callbacks, and wait for those that run."""
        self._is_stopping = True
        # Something to do, so that the thread comes back from waiting for it.
        self._executor.create_task(lambda: None)
        self._thread.join()
        self._executor.wait_for_callbacks()
        self._executor.shutdown()

    def _spin(self) -> None:
        while not self._is_stopping:
            try:
                self._executor.spin_once()
            except InvalidHandle:
                # Another thread destroyed, say, a subscription while this one was about to wait
                # for it. The next round knows.
                continue
            except Exception:
                # The boundary to rclpy: for example, it raises where a lifecycle transition is
                # asked for that the present state does not have.
                self._node.get_logger().error(f"a callback failed:\n{traceback.format_exc()}")


class _Executor(MultiThreadedExecutor):
    def wait_for_callbacks(self) -> None:
        """Wait for the callbacks that run; Jazzy's own ``shutdown`` leaves them behind."""
        self._executor.shutdown(wait=True)
