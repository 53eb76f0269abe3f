"""A PHORHUM that trains in seconds, and people that are balls with two colours."""

from __future__ import annotations

from dataclasses import replace

import torch
from tiny import SIZE, Balls

from pifuhd_ros.networks.distance_mlp import DistanceMlpConfig
from pifuhd_ros.networks.phorhum import PAINTED, PhorhumConfig
from pifuhd_ros.networks.shading import ShadingConfig
from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig
from pifuhd_ros.synthetic.dataset import BodyView, ViewSample
from pifuhd_ros.training.config import PhorhumStageConfig, TrainingConfig

TINY_PHORHUM = PhorhumConfig(
    name="tiny",
    image_size=SIZE,
    trunk_size=SIZE,
    camera="perspective",
    trunk=ShuffleUNetConfig(3, 8 + PAINTED, out_stride=2, widths=(16, 16), blocks=(1, 1), groups=4),
    point=DistanceMlpConfig(width=32, layers=3, frequencies=2, sees_pixel=True),
    shading=ShadingConfig(illumination=4, width=16, layers=1),
    depth_scale=3.0,
    reads_light=True,
    paints=True,
)
PHORHUM_STAGE = PhorhumStageConfig(
    name="all",
    steps=20,
    batch=2,
    points=200,
    surface_points=60,
    patches=1,
    patch_px=8,
    trace_steps=10,
    true_depth_share=0.5,
    shaded_weight=1.0,
    light_weight=1.0,
    distance_weight=1.0,
    depth_weight=1.0,
    painted_weight=1.0,
    constancy_weight=1.0,
    warmup_steps=5,
    learning_rate=5e-3,
    ema_decay=0.9,
    validate_every=10,
)
PHORHUM_CONFIG = TrainingConfig(network=TINY_PHORHUM, stages=(PHORHUM_STAGE,), ahead=0)


class PaintedBalls:
    """Balls, orange before and blue behind, some of them seen by a camera that is near."""

    def draw(
        self, count: int, size_px: int, generator: torch.Generator, with_body: bool = False
    ) -> list[ViewSample]:
        return [_painted(view) for view in Balls().draw(count, size_px, generator)]


def _painted(view: ViewSample) -> ViewSample:
    front, back = (
        torch.tensor(colour)[:, None, None] * view.mask
        for colour in ((0.9, 0.5, 0.2), (0.2, 0.3, 0.8))
    )
    body = BodyView(back, view.normal_front, view.normal_back)
    return replace(view, albedo=front, body=body)
