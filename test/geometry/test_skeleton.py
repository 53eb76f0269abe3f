from __future__ import annotations

from pifuhd_ros.geometry.skeleton import BODY_PARTS, JOINTS, mirrored_order


def test_a_mirror_swaps_left_and_right_and_twice_is_nothing() -> None:
    order = mirrored_order()
    assert JOINTS[order[JOINTS.index("left_knee")]] == "right_knee"
    assert JOINTS[order[JOINTS.index("nose")]] == "nose"
    assert [order[i] for i in order] == list(range(len(JOINTS)))


def test_every_joint_is_the_end_of_a_bone() -> None:
    ends = {n for part in BODY_PARTS for bone in part for n in (*bone.begin, *bone.end)}
    assert ends == set(range(len(JOINTS)))
