"""PHORHUM at the size of the paper, for GPUs; pieces for as many as eight of them.

Sizes and losses are those of Alldieck et al., CVPR 2022, section 3, but for the perceptual loss,
which needs a network trained on photos: differences of neighbours at several scales stand in its
place. Weights of the losses, optimiser, learning rate and numbers of steps are ours, and no full
run of it has been made.
"""

from pifuhd_ros.networks.phorhum import PUBLISHED
from pifuhd_ros.training.config import PhorhumStageConfig, TrainingConfig

CONFIG = TrainingConfig(
    network=PUBLISHED,
    precision="bf16-mixed",
    workers=4,
    stages=(
        PhorhumStageConfig(
            name="points",
            steps=200_000,
            batch=16,
            pieces=8,
            points=2048,
            surface_points=1024,
            learning_rate=1e-4,
            warmup_steps=1000,
        ),
        PhorhumStageConfig(
            name="rendered",
            steps=300_000,
            batch=16,
            pieces=8,
            points=2048,
            surface_points=1024,
            patches=1,
            patch_px=32,
            trace_steps=15,
            learning_rate=1e-4,
        ),
    ),
)
