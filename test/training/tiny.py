"""A network that trains in seconds, and people that are balls."""

from __future__ import annotations

import torch

from pifuhd_ros.networks.pifuhd import PifuhdConfig
from pifuhd_ros.networks.point_mlp import PointMlpConfig
from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig
from pifuhd_ros.networks.skeleton_guide import GUIDE_CHANNELS
from pifuhd_ros.synthetic.dataset import ViewSample
from pifuhd_ros.synthetic.placement import Placement
from pifuhd_ros.training.config import StageConfig, TrainingConfig

SIZE = 64


def _unet(
    in_channels: int, out_channels: int, out_stride: int, guide_channels: int = 0
) -> ShuffleUNetConfig:
    return ShuffleUNetConfig(
        in_channels,
        out_channels,
        out_stride=out_stride,
        widths=(16, 16),
        blocks=(1, 1),
        groups=4,
        guide_channels=guide_channels,
    )


TINY = PifuhdConfig(
    name="tiny",
    fine_size=SIZE,
    coarse_size=SIZE // 2,
    normals=_unet(3, 6, 1),
    coarse_filter=_unet(9, 8, 4, GUIDE_CHANNELS),
    fine_filter=_unet(9, 8, 2),
    coarse_mlp=PointMlpConfig(channels=(9, 32, 16, 1), skips=(1,), phi_layer=1),
    fine_mlp=PointMlpConfig(channels=(24, 16, 1), skips=()),
    depth_scale=4.0,
)

STAGE = StageConfig(
    name="all",
    levels=("normals", "coarse", "fine"),
    steps=20,
    batch=2,
    points=200,
    warmup_steps=5,
    learning_rate=3e-3,
    validate_every=10,
)
CONFIG = TrainingConfig(network=TINY, stages=(STAGE,), ahead=0)


class Balls:
    """A source of people of radius 0.4 to 0.6 in the middle of each view."""

    def draw(self, count: int, size_px: int, generator: torch.Generator) -> list[ViewSample]:
        return [_ball(size_px, generator) for _ in range(count)]


def _ball(size: int, generator: torch.Generator) -> ViewSample:
    radius = 0.4 + 0.2 * float(torch.rand((), generator=generator))
    grid = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(-grid, grid, indexing="ij")
    mask = (x**2 + y**2 < radius**2).float()
    z = (radius**2 - x**2 - y**2).clamp(min=0).sqrt() * mask
    front = torch.stack([x, y, z]) / radius * mask
    points = torch.rand(600, 3, generator=generator) * 1.6 - 0.8
    return ViewSample(
        albedo=torch.full((3, size, size), 0.8) * mask,
        normal_front=front,
        normal_back=front * torch.tensor([1.0, 1.0, -1.0])[:, None, None],
        z_front=z,
        z_back=-z,
        mask=mask,
        points=points,
        ambient=torch.ones(size, size),
        bent=front,
        inside=points.norm(dim=1) < radius,
        signed_distance=points.norm(dim=1) - radius,
        joints=torch.full((22, 3), torch.nan),
        joints_visible=torch.zeros(22, dtype=torch.bool),
        placement=Placement(torch.eye(3), torch.zeros(3), 1.0),
        body=None,
    )
