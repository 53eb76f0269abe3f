"""A question whose first answer got lost."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

from rclpy.task import Future

from pifuhd_ros.ros import question
from pifuhd_ros.ros.question import Question


class Service:
    """Answers when told to, if at all."""

    def __init__(self) -> None:
        self.is_there = False
        self.asked: list[Future] = []

    def service_is_ready(self) -> bool:
        return self.is_there

    def call_async(self, request: str) -> Future:
        assert request == "state?"
        self.asked.append(Future())
        return self.asked[-1]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(question, "AGAIN_AFTER_S", 0.0)
    return Service()


def test_nothing_is_asked_before_the_service_is_there(service: Service) -> None:
    asking = Question(service, "state?")  # type: ignore[arg-type]
    assert asking.answer() is None
    assert not service.asked
    service.is_there = True
    assert asking.answer() is None
    assert len(service.asked) == 1


@pytest.mark.parametrize("answered", [0, 1])
def test_a_lost_answer_is_asked_for_again(service: Service, answered: int) -> None:
    service.is_there = True
    asking = Question(service, "state?")  # type: ignore[arg-type]
    assert asking.answer() is None
    assert asking.answer() is None
    assert len(service.asked) == 2
    service.asked[answered].set_result("active")
    assert asking.answer() == "active"
    assert len(service.asked) == 2


def test_it_is_patient_between_questions(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "AGAIN_AFTER_S", 60.0)
    service.is_there = True
    asking = Question(service, "state?")  # type: ignore[arg-type]
    assert [asking.answer() for _ in range(5)] == [None] * 5
    assert len(service.asked) == 1
