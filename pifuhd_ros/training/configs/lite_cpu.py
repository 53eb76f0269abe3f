"""pifuhd-lite on two CPU cores, from nothing."""

from pifuhd_ros.networks.pifuhd import LITE
from pifuhd_ros.training.config import StageConfig, TrainingConfig

CONFIG = TrainingConfig(
    network=LITE,
    stages=(
        StageConfig("normals", ("normals",), steps=12_000, batch=8),
        StageConfig("coarse", ("coarse",), steps=24_000, batch=4),
        StageConfig(
            "fine",
            ("fine",),
            steps=6_000,
            batch=2,
            points=8000,
            learning_rate=8e-4,
            validate_every=250,
        ),
    ),
)
