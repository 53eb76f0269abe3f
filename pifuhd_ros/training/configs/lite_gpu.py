"""pifuhd-lite on one GPU, from nothing."""

from pifuhd_ros.networks.pifuhd import LITE
from pifuhd_ros.training.config import StageConfig, TrainingConfig

CONFIG = TrainingConfig(
    network=LITE,
    precision="bf16-mixed",
    workers=4,
    stages=(
        StageConfig("normals", ("normals",), steps=20_000, batch=64, ema_decay=0.999),
        StageConfig("coarse", ("coarse",), steps=40_000, batch=64, ema_decay=0.999),
        StageConfig("fine", ("fine",), steps=10_000, batch=32, points=8000, learning_rate=8e-4),
    ),
)
