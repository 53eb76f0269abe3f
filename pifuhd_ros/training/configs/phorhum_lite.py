"""phorhum-lite on two CPU cores, from nothing: first points alone, then rendered patches, too."""

from pifuhd_ros.networks.phorhum import LITE
from pifuhd_ros.training.config import PhorhumStageConfig, TrainingConfig

CONFIG = TrainingConfig(
    network=LITE,
    stages=(
        PhorhumStageConfig(
            name="points",
            steps=16_000,
            batch=4,
            points=2500,
            surface_points=500,
            learning_rate=1e-3,
            true_depth_share=0.75,
            shaded_weight=1.0,
            eikonal_weight=0.35,
            albedo_weight=2.5,
            near_albedo_weight=0.3,
            light_weight=1.5,
            distance_weight=2.0,
            depth_weight=3.0,
            painted_weight=3.0,
            constancy_weight=1.5,
        ),
        PhorhumStageConfig(
            name="rendered",
            steps=6_000,
            batch=4,
            points=2000,
            surface_points=400,
            patches=1,
            learning_rate=4e-4,
            true_depth_share=0.5,
            shaded_weight=1.0,
            eikonal_weight=1.0,
            albedo_weight=2.5,
            near_albedo_weight=0.3,
            patch_weight=1.0,
            light_weight=1.5,
            distance_weight=2.0,
            depth_weight=3.0,
            painted_weight=3.0,
            constancy_weight=2.7,
            validate_every=250,
        ),
    ),
)
