"""The end of a node's callbacks."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import rclpy
from rclpy.context import Context
from rclpy.node import Node

from pifuhd_ros.ros.spinner import Spinner


@pytest.fixture
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("spun", context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_what_a_running_callback_leaves_to_be_done_is_done_at_the_end(node: Node) -> None:
    """As the end of a goal leaves its result to be sent."""
    spinner = Spinner(node)
    executor = node.executor
    begun, may_end = threading.Event(), threading.Event()
    done: list[int] = []

    def callback() -> None:
        begun.set()
        may_end.wait(60)
        for number in range(3):
            executor.create_task(done.append, number)

    executor.create_task(callback)
    assert begun.wait(60)
    stopping = threading.Thread(target=spinner.stop)
    stopping.start()
    # The spinning thread has ended, and with it what would do the rest.
    spinner._thread.join()
    assert not done
    may_end.set()
    stopping.join()
    assert sorted(done) == [0, 1, 2]


def test_nothing_is_begun_after_the_end(node: Node) -> None:
    spinner = Spinner(node)
    called: list[None] = []
    first = threading.Event()

    def tick() -> None:
        called.append(None)
        first.set()

    node.create_timer(0.001, tick)
    assert first.wait(60)
    spinner.stop()
    count = len(called)
    threading.Event().wait(0.05)
    assert len(called) == count
