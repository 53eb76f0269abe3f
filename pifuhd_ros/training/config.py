"""What a training run does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pifuhd_ros.networks.pifuhd import PifuhdConfig

Level = Literal["normals", "coarse", "fine"]
LEVELS: tuple[Level, ...] = ("normals", "coarse", "fine")
Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True)
class StageConfig:
    """One part of a run: some of the networks learn for some steps."""

    name: str
    """Of the stage and of its folder."""
    levels: tuple[Level, ...]
    """Networks that learn; those before them run, those after them do not."""
    steps: int
    """Optimiser steps."""
    batch: int = 8
    """Views in a step, over all processes."""
    pieces: int = 1
    """A step's batch is made of so many equal pieces, each from its own seed. Processes share the
    pieces out, so that a run's data is the same on one device and on as many as there are pieces;
    a single process sums up the gradients of its pieces, which needs less memory."""
    points: int = 6000
    """Labelled points of each view in a step."""
    learning_rate: float = 1.2e-3
    """Highest learning rate of AdamW."""
    warmup_steps: int = 200
    """Steps in which the learning rate rises from zero; then it falls to zero on a cosine."""
    weight_decay: float = 1e-4
    """Of AdamW."""
    clip_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    ema_decay: float = 0.998
    """Of the average of the weights, which is what is validated and shipped."""
    validate_every: int = 500
    """Steps between validations and checkpoints."""
    balance_sides: bool = False
    """Weigh the points inside and outside so that both sides count alike, as the paper does."""

    def __post_init__(self) -> None:
        unknown = set(self.levels) - set(LEVELS)
        if unknown or not self.levels:
            raise ValueError(f"levels are some of {', '.join(LEVELS)}; got {self.levels}")
        if not self.name.isidentifier():
            raise ValueError(f"a stage's name is letters, digits and _; got {self.name!r}")
        counts = (self.steps, self.batch, self.pieces, self.points, self.validate_every)
        if min(counts) < 1:
            raise ValueError("steps, batch, pieces, points and validate_every are at least 1")
        if self.batch % self.pieces:
            raise ValueError(f"{self.pieces} pieces do not divide a batch of {self.batch}")


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run, from nothing to weights."""

    network: PifuhdConfig
    """Sizes of the network."""
    stages: tuple[StageConfig, ...]
    """In this order; each starts from the averaged weights of the one before."""
    seed: int = 0
    """Of the first weights and of every step's data."""
    precision: Precision = "32-true"
    """Of the arithmetic; the weights are float32 always."""
    workers: int = 0
    """Processes that make batches; 0: this one does."""
    ahead: int = 2
    """Batches that are ready before they are needed, by a thread; 0: each is made when needed."""

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a run has at least one stage, each of its own name; got {names}")
        if self.precision not in get_args(Precision):
            allowed = ", ".join(get_args(Precision))
            raise ValueError(f"precision is one of {allowed}; got {self.precision!r}")
        if self.workers < 0 or self.ahead < 0:
            raise ValueError("workers and ahead are not negative")
