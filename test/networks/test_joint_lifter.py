from __future__ import annotations

import torch

from pifuhd_ros.geometry.skeleton import JOINTS, mirrored_order
from pifuhd_ros.networks.joint_lifter import MIRRORED_POINTS, POINTS, JointLifter


def test_points_and_joints_are_mirrored_alike() -> None:
    points = torch.rand(2, POINTS, 4, generator=torch.Generator().manual_seed(0))
    order = list(MIRRORED_POINTS)
    assert [order[i] for i in order] == list(range(POINTS))
    image = JointLifter.first_guess(points[:, order])
    torch.testing.assert_close(image, JointLifter.first_guess(points)[:, mirrored_order()])


def test_where_the_person_stands_in_the_crop_does_not_matter() -> None:
    torch.manual_seed(0)
    lifter = JointLifter(width=32).eval()
    points = torch.rand(2, POINTS, 4)
    shift = torch.tensor([0.2, -0.1, 0, 0])
    lifted, shifted = lifter(points), lifter(points + shift)
    assert lifted.shape == (2, len(JOINTS), 3)
    torch.testing.assert_close(shifted, lifted + shift[:3])
