"""The action of the capture node over real DDS: feedback, results, cancel."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: see the README for ROS 2 from wheels")

import fake_capture
from action_msgs.msg import GoalStatus
from capture_harness import Rig, picture, wait_until


def test_goal_brings_the_person_and_feedback_of_each_stage(rig: Rig) -> None:
    goal = rig.client.send_goal("by_action")
    assert goal.accepted
    # Before the result: once that has come, rclpy drops the feedback that is still on its way.
    feedback = wait_until(
        lambda: (f := list(rig.client.feedback)) and f[-1].stage == "save" and f, "feedback"
    )
    answer = rig.client.result(goal.get_result_async())
    assert answer.status == GoalStatus.STATUS_SUCCEEDED
    assert answer.result.success
    assert len(answer.result.people) == 1
    assert answer.result.files == [
        str(rig.output_folder / f"by_action.{end}") for end in ("glb", "ply")
    ]
    stages = list(dict.fromkeys(message.stage for message in feedback))
    assert stages == ["image", "select", "detect", "surface", "texture", "publish", "save"]
    progress = [message.progress for message in feedback]
    assert progress == sorted(progress)
    assert 0 <= progress[0] < progress[-1] <= 1


def test_failed_capture_aborts_the_goal_with_a_message(rig: Rig) -> None:
    rig.camera.show(picture(fake_capture.NOBODY))
    goal = rig.client.send_goal()
    answer = rig.client.result(goal.get_result_async())
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert not answer.result.success
    assert "no person was found" in answer.result.message


def test_cancel_stops_the_reconstruction(rig: Rig) -> None:
    rig.camera.show(picture(fake_capture.WAIT_FOR_RELEASE))
    goal = rig.client.send_goal("cancelled")
    wait_until(lambda: any(f.stage == "surface" for f in rig.client.feedback), "feedback")
    cancel = rig.client.result(goal.cancel_goal_async())
    assert len(cancel.goals_canceling) == 1
    answer = rig.client.result(goal.get_result_async())
    assert answer.status == GoalStatus.STATUS_CANCELED
    assert (answer.result.success, answer.result.message) == (False, "cancelled on request")
    assert not list(rig.output_folder.glob("cancelled*"))
    rig.camera.show(picture(fake_capture.ONE_PERSON))
    assert rig.client.capture().success


def test_cancel_stops_the_wait_for_an_image(rig: Rig) -> None:
    rig.camera.show(None)
    goal = rig.client.send_goal(timeout_s=1000.0)
    wait_until(lambda: rig.client.feedback, "feedback")
    rig.client.result(goal.cancel_goal_async())
    answer = rig.client.result(goal.get_result_async())
    assert answer.status == GoalStatus.STATUS_CANCELED


def test_goal_during_a_capture_is_rejected(rig: Rig) -> None:
    rig.camera.show(picture(fake_capture.WAIT_FOR_RELEASE))
    first = rig.client.send_goal()
    wait_until(lambda: any(f.stage == "surface" for f in rig.client.feedback), "feedback")
    assert not rig.client.send_goal().accepted
    assert "a capture is running" in rig.client.capture().message
    wait_until(lambda: "goal rejected: a capture is running" in rig.process.output(), "log")
    rig.release_file.touch()
    answer = rig.client.result(first.get_result_async())
    assert answer.status == GoalStatus.STATUS_SUCCEEDED
