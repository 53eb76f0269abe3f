"""From the points that the detector sees to the joints of the body, depth above all."""

from __future__ import annotations

import torch
from torch import nn

from pifuhd_ros.geometry.skeleton import JOINTS

POINTS = 33
"""BlazePose's."""
_HIPS = (23, 24)
_SOURCES: dict[str, tuple[int, ...]] = {
    "nose": (0,),
    "left_ear": (7,),
    "right_ear": (8,),
    "left_shoulder": (11,),
    "right_shoulder": (12,),
    "left_elbow": (13,),
    "right_elbow": (14,),
    "left_wrist": (15,),
    "right_wrist": (16,),
    # Between the knuckles of the little and the index finger.
    "left_hand": (17, 19),
    "right_hand": (18, 20),
    "left_hip": (23,),
    "right_hip": (24,),
    "left_knee": (25,),
    "right_knee": (26,),
    "left_ankle": (27,),
    "right_ankle": (28,),
    "left_toe": (31,),
    "right_toe": (32,),
}
"""Of which points a joint is the middle, at first."""
MIRRORED_POINTS = (
    *(0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21),
    *(24, 23, 26, 25, 28, 27, 30, 29, 32, 31),
)
"""For each point the one that takes its place in a mirror."""


class JointLifter(nn.Module):
    """Corrects where the detector sees the joints, from the whole pose.

    The detector flattens poses and sets its points on the skin, not in the joints. How it errs
    depends on the pose, so a small network learns it from people whose joints are known
    (scripts/train_joint_lifter.py). Source: after Martinez et al., A Simple yet Effective Baseline
    for 3D Human Pose Estimation, ICCV 2017, with a depth to start from.
    """

    def __init__(self, width: int = 256, dropout: float = 0.2) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4 * POINTS, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, 3 * len(JOINTS)),
        )

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Joints (B, 19, 3) in model space, z from the middle of the hips.

        Args:
            points: (B, 33, 4) x and y in model space, z in its unit from the middle of the hips,
                and the visibility in [0, 1], in BlazePose's order.
        """
        middle = points[:, list(_HIPS), :2].mean(1, keepdim=True)
        seen = torch.cat([points[..., :2] - middle, points[..., 2:]], 2)
        change: torch.Tensor = self.layers(seen.flatten(1))
        return self.first_guess(points) + change.view(-1, len(JOINTS), 3)

    @staticmethod
    def first_guess(points: torch.Tensor) -> torch.Tensor:
        """The joints (B, 19, 3) as they are among the points, uncorrected."""
        return torch.stack([points[:, list(_SOURCES[n]), :3].mean(1) for n in JOINTS], 1)
