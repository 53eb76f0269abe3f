from __future__ import annotations

import pytest
import torch

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.skeleton_guide import GUIDE_CHANNELS, draw_skeleton

SIZE = 64
LEFT_ARM = 4
"""The first of its two maps, which come after the head's and the trunk's."""


def standing() -> torch.Tensor:
    """A skeleton (1, J, 4) that faces the camera, left arm stretched out towards it."""
    xyz = {
        "nose": (0, 0.75, 0.1), "ear": (0.06, 0.75, 0), "shoulder": (0.18, 0.55, 0),
        "elbow": (0.4, 0.5, 0), "wrist": (0.6, 0.45, 0), "hand": (0.7, 0.45, 0),
        "hip": (0.1, 0, 0), "knee": (0.1, -0.4, 0), "ankle": (0.1, -0.8, 0),
        "toe": (0.1, -0.85, 0.1),
    }  # fmt: skip
    rows = []
    for name in JOINTS:
        side, _, part = name.rpartition("_")
        x, y, z = xyz[part]
        z = {"elbow": 0.2, "wrist": 0.4, "hand": 0.5}.get(part, z) if side == "left" else z
        # A person who faces the camera has their left at the image's right.
        rows.append([-x if side == "right" else x, y, z, 1])
    return torch.tensor(rows, dtype=torch.float32)[None]


def pixel(x: float, y: float) -> tuple[int, int]:
    return int((1 - y) / 2 * SIZE), int((x + 1) / 2 * SIZE)


def test_a_limb_is_drawn_where_it_is_and_as_deep() -> None:
    maps = draw_skeleton(standing(), SIZE)[0]
    assert maps.shape == (GUIDE_CHANNELS, SIZE, SIZE)
    presence, depth = maps[LEFT_ARM], maps[LEFT_ARM + 1]
    row, column = pixel(0.6, 0.45)
    assert presence[row, column] > 0.8
    assert depth[row, column] / presence[row, column] == pytest.approx(4 * 0.4, abs=0.2)
    assert presence[pixel(-0.6, 0.45)] < 0.01
    assert presence[pixel(0.1, -0.4)] < 0.01


def test_every_place_has_the_depth_of_what_is_near() -> None:
    everywhere = draw_skeleton(standing(), SIZE)[0, -1]
    assert everywhere[pixel(0.68, 0.45)] > 1.2
    assert everywhere[pixel(-0.6, 0.45)].abs() < 0.1
    assert everywhere[pixel(0.1, -0.5)].abs() < 0.1


def test_nothing_known_draws_nothing() -> None:
    unknown = standing()
    unknown[..., 3] = 0
    unknown[..., :3] = torch.nan
    assert not draw_skeleton(torch.where(unknown.isnan(), 0.0, unknown), SIZE).any()
    assert not draw_skeleton(torch.zeros(2, len(JOINTS), 4), SIZE).any()


def test_a_part_with_an_unknown_joint_is_left_out() -> None:
    joints = standing()
    joints[0, JOINTS.index("left_wrist"), 3] = 0
    maps = draw_skeleton(joints, SIZE)[0]
    assert not maps[LEFT_ARM : LEFT_ARM + 2].any()
    assert maps[0].any()
    # Its place takes the depth of what is known beside it: the shoulders'.
    assert maps[-1][pixel(0.5, 0.5)].abs() < 0.1


def test_joints_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected joints \(B, 19, 4\), got \(1, 5, 4\)"):
        draw_skeleton(torch.zeros(1, 5, 4), SIZE)
