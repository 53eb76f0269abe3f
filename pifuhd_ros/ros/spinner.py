"""Runs a node's callbacks, and ends that in order."""

from __future__ import annotations

import threading
import traceback

from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

CALLBACK_THREADS = 6
"""A waiting service and a waiting action leave four for everything else."""


class Spinner:
    """Runs a node's callbacks in threads of its own.

    A callback that raises is logged and costs one callback, not the node.
    """

    def __init__(self, node: Node) -> None:
        """Start at once; the node's context must outlive the spinner."""
        self._node = node
        self._executor = _Executor(num_threads=CALLBACK_THREADS, context=node.context)
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
