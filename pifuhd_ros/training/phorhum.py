"""PHORHUM as a learner."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from pifuhd_ros.networks.phorhum import PhorhumConfig, PhorhumNetwork
from pifuhd_ros.training.batches import PeopleSource
from pifuhd_ros.training.config import PhorhumStageConfig, StageConfig, TrainingConfig
from pifuhd_ros.training.phorhum_batches import PhorhumBatch, PhorhumPieceMaker
from pifuhd_ros.training.phorhum_losses import PhorhumLosses
from pifuhd_ros.training.phorhum_pictures import draw_phorhum
from pifuhd_ros.training.phorhum_validation import PhorhumValidation, validate_phorhum


class PhorhumLearner:
    """See ``Learner``."""

    def build(self, config: PhorhumConfig) -> PhorhumNetwork:
        """See ``Learner.build``."""
        return PhorhumNetwork(config)

    def freeze(self, network: PhorhumNetwork, levels: tuple[str, ...]) -> None:
        """See ``Learner.freeze``."""
        parts: dict[str, list[nn.Module]] = {
            "field": [network.trunk, network.point],
            "light": [network.light, network.shading],
        }
        for level, modules in parts.items():
            for module in modules:
                module.requires_grad_(level in levels)
        network.sharpness.requires_grad_("field" in levels)

    def losses(self, network: PhorhumNetwork, stage: StageConfig) -> nn.Module:
        """See ``PhorhumLosses``."""
        return PhorhumLosses(network, _own(stage))

    def pieces(
        self,
        config: TrainingConfig,
        stage: StageConfig,
        source: PeopleSource,
        purpose: str,
        count: int,
    ) -> Callable[[int], PhorhumBatch]:
        """See ``PhorhumPieceMaker``."""
        assert isinstance(config.network, PhorhumConfig)
        size = config.network.trunk_size
        return PhorhumPieceMaker(source, config.seed, purpose, count, _own(stage), size)

    def validate(
        self, network: PhorhumNetwork, batches: Iterable[PhorhumBatch], stage: StageConfig
    ) -> PhorhumValidation:
        """See ``validate_phorhum``."""
        return validate_phorhum(network, batches)

    def draw(
        self, network: PhorhumNetwork, batch: PhorhumBatch, stage: StageConfig
    ) -> dict[str, torch.Tensor]:
        """See ``draw_phorhum``."""
        return draw_phorhum(network, batch)


def _own(stage: StageConfig) -> PhorhumStageConfig:
    """TrainingConfig has made sure of it."""
    assert isinstance(stage, PhorhumStageConfig)
    return stage
