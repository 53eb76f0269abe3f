"""Small networks for tests."""

from __future__ import annotations

import torch

from pifuhd_ros.networks.global_generator import GlobalGeneratorConfig
from pifuhd_ros.networks.hourglass import HourglassConfig
from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork
from pifuhd_ros.networks.point_mlp import PointMlpConfig
from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig
from pifuhd_ros.networks.skeleton_guide import GUIDE_CHANNELS

SMALL_HOURGLASS = PifuhdConfig(
    name="small-hourglass",
    fine_size=64,
    coarse_size=32,
    normals=GlobalGeneratorConfig(width=4, downsamplings=2, blocks=1),
    coarse_filter=HourglassConfig(
        in_channels=9,
        out_channels=6,
        stacks=2,
        depth=1,
        downsampling="average",
        channels=16,
        groups=2,
    ),
    fine_filter=HourglassConfig(
        in_channels=9,
        out_channels=5,
        stacks=1,
        depth=2,
        downsampling="none",
        channels=16,
        groups=2,
    ),
    coarse_mlp=PointMlpConfig(channels=(7, 16, 12, 8, 1), skips=(2, 3), phi_layer=2),
    fine_mlp=PointMlpConfig(channels=(13, 16, 8, 1), skips=(1, 2)),
)
"""The published architecture, small."""

SMALL_UNET = PifuhdConfig(
    name="small-unet",
    fine_size=64,
    coarse_size=32,
    normals=ShuffleUNetConfig(3, 6, widths=(8, 16), blocks=(1, 1)),
    coarse_filter=ShuffleUNetConfig(
        9, 6, out_stride=4, widths=(8, 16), blocks=(1, 1), guide_channels=GUIDE_CHANNELS
    ),
    fine_filter=ShuffleUNetConfig(9, 5, out_stride=2, widths=(8, 16), blocks=(1, 1)),
    coarse_mlp=PointMlpConfig(channels=(7, 16, 12, 8, 1), skips=(2, 3), phi_layer=2),
    fine_mlp=PointMlpConfig(channels=(13, 16, 8, 1), skips=(1, 2)),
)
"""The lite architecture, small."""


def small_network(config: PifuhdConfig, seed: int = 0) -> PifuhdNetwork:
    """A network in evaluation mode whose weights depend on the seed only."""
    torch.manual_seed(seed)
    return PifuhdNetwork(config).eval()
