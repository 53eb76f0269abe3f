"""PIFuHD as a learner."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from pifuhd_ros.networks.global_generator import GlobalGeneratorConfig
from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork
from pifuhd_ros.training.batches import Batch, PeopleSource
from pifuhd_ros.training.config import StageConfig, TrainingConfig
from pifuhd_ros.training.losses import LevelLosses
from pifuhd_ros.training.pictures import draw_validation
from pifuhd_ros.training.pieces import PieceMaker
from pifuhd_ros.training.validation import Validation, validate


class PifuhdLearner:
    """See ``Learner``."""

    def build(self, config: PifuhdConfig) -> PifuhdNetwork:
        """See ``Learner.build``."""
        return PifuhdNetwork(config)

    def freeze(self, network: PifuhdNetwork, levels: tuple[str, ...]) -> None:
        """See ``freeze``."""
        freeze(network, levels)

    def losses(self, network: PifuhdNetwork, stage: StageConfig) -> nn.Module:
        """See ``LevelLosses``."""
        return LevelLosses(network, stage.levels, stage.balance_sides)

    def pieces(
        self,
        config: TrainingConfig,
        stage: StageConfig,
        source: PeopleSource,
        purpose: str,
        count: int,
    ) -> Callable[[int], Batch]:
        """See ``PieceMaker``; only the fine level needs large images."""
        sizes = config.network
        assert isinstance(sizes, PifuhdConfig)
        return PieceMaker(
            source=source,
            seed=config.seed,
            stage=f"{stage.name}/{purpose}",
            count=count,
            points=stage.points,
            image_size=sizes.fine_size if "fine" in stage.levels else sizes.coarse_size,
            coarse_size=sizes.coarse_size,
        )

    def validate(
        self, network: PifuhdNetwork, batches: Iterable[Batch], stage: StageConfig
    ) -> Validation:
        """See ``validation.validate``."""
        return validate(network, batches, stage.levels)

    def draw(
        self, network: PifuhdNetwork, batch: Batch, stage: StageConfig
    ) -> dict[str, torch.Tensor]:
        """See ``draw_validation``."""
        return draw_validation(network, batch, stage.levels)


def freeze(network: PifuhdNetwork, levels: tuple[str, ...]) -> None:
    """Lets only these levels learn."""
    coarse = network.netG
    normals: list[torch.nn.Module] = (
        [coarse.netF, coarse.netB]
        if isinstance(network.config.normals, GlobalGeneratorConfig)
        else [coarse.normals]
    )
    parts: dict[str, list[torch.nn.Module]] = {
        "normals": normals,
        "coarse": [coarse.image_filter, coarse.mlp],
        "fine": [network.image_filter, network.mlp],
    }
    for level, modules in parts.items():
        for module in modules:
            module.requires_grad_(level in levels)
