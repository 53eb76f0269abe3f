"""The network of the paper at its size, for GPUs; pieces for as many as eight of them.

Sizes and the order of the levels are those of Saito et al., CVPR 2020, sections 3 and 4; optimiser,
learning rates and numbers of steps are ours, and no full run of it has been made.
The paper's perceptual loss of the normals needs a network trained on photos, which this project
does not have: L1 and the cosine stand in its place.
"""

from pifuhd_ros.networks.pifuhd import PUBLISHED
from pifuhd_ros.training.config import StageConfig, TrainingConfig

CONFIG = TrainingConfig(
    network=PUBLISHED,
    precision="bf16-mixed",
    workers=4,
    stages=(
        StageConfig("normals", ("normals",), steps=100_000, batch=8, pieces=8, learning_rate=2e-4),
        StageConfig(
            "coarse",
            ("coarse",),
            steps=100_000,
            batch=8,
            pieces=8,
            points=8000,
            learning_rate=2e-4,
            balance_sides=True,
        ),
        StageConfig(
            "fine",
            ("fine",),
            steps=100_000,
            batch=8,
            pieces=8,
            points=8000,
            learning_rate=2e-4,
            balance_sides=True,
        ),
    ),
)
