"""Runs a node until a signal comes, and ends it in order."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable

import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

CALLBACK_THREADS = 6
"""A waiting service, a waiting action and a continuous capture leave three for everything else."""


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
    make_node: Callable[[], Node],
    *,
    arguments: list[str] | None = None,
    on_start: Callable[[Node], None] | None = None,
    on_stop: Callable[[Node], None] | None = None,
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
        executor = _Executor(num_threads=CALLBACK_THREADS)
        executor.add_node(node)
        spinner = threading.Thread(target=_spin, args=(executor, node), name="spin")
        spinner.start()
        try:
            if on_start is not None and not stop.is_set():
                on_start(node)
            stop.wait()
            if on_stop is not None:
                on_stop(node)
        finally:
            executor.shutdown()
            spinner.join()
            node.destroy_node()
    finally:
        rclpy.try_shutdown()


class _Executor(MultiThreadedExecutor):
    """Waits on shutdown for the callbacks that run; Jazzy's own executor leaves them behind."""

    def __init__(self, *, num_threads: int) -> None:
        super().__init__(num_threads=num_threads)
        self.is_stopped = False

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        self.is_stopped = True
        is_done: bool = super().shutdown(timeout_sec)
        self._executor.shutdown(wait=True)
        return is_done


def _spin(executor: _Executor, node: Node) -> None:
    while not executor.is_stopped:
        try:
            executor.spin_once()
        except Exception:
            # The boundary to rclpy: for example, it raises where a lifecycle transition is asked
            # for that the present state does not have.
            if not executor.is_stopped:
                node.get_logger().error(f"a callback failed:\n{traceback.format_exc()}")
