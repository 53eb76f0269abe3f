"""What a system brings to a training run; all else is the same for every system."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import nn

from pifuhd_ros.networks.weights import Network
from pifuhd_ros.training.batches import PeopleSource
from pifuhd_ros.training.config import StageConfig, TrainingConfig


class Learner(Protocol):
    """A system's network and how it learns.

    Networks, batches and validations are the system's own and are only handed back to it. Weights
    are parameters, never buffers, and learn where they ask for gradients.
    """

    def build(self, config: Any) -> Network:
        """A network of a config with random weights."""

    def freeze(self, network: Any, levels: tuple[str, ...]) -> None:
        """Lets only these levels learn."""

    def losses(self, network: Any, stage: StageConfig) -> nn.Module:
        """A module around the network that gives loss terms by name of a batch's fields.

        It is what distributed training wraps; the network is its only part with parameters.
        """

    def pieces(
        self,
        config: TrainingConfig,
        stage: StageConfig,
        source: PeopleSource,
        purpose: str,
        count: int,
    ) -> Callable[[int], Any]:
        """What makes any piece (see pieces.py) of ``count`` views by its number.

        With worker processes it is copied into each of them, so it can be pickled.
        """

    def validate(self, network: Any, batches: Iterable[Any], stage: StageConfig) -> Any:
        """Figures of a network on batches: a dataclass of floats, NaN for what did not run."""

    def draw(self, network: Any, batch: Any, stage: StageConfig) -> dict[str, torch.Tensor]:
        """Pictures by title, each (3, H, W) in [0, 1], of a few people of a batch."""
