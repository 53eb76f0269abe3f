"""What a training run does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["normals", "coarse", "fine"]
LEVELS: tuple[Level, ...] = ("normals", "coarse", "fine")


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of one training run."""

    levels: tuple[Level, ...] = ("normals", "coarse")
    """Networks that learn; those before them run, those after them do not."""
    steps: int = 8000
    """Optimiser steps of the whole run."""
    batch: int = 8
    """Views in a step."""
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
    seed: int = 0
    """Of the weights and of every step's data."""

    def __post_init__(self) -> None:
        unknown = set(self.levels) - set(LEVELS)
        if unknown or not self.levels:
            raise ValueError(f"levels are some of {', '.join(LEVELS)}; got {self.levels}")
        if self.steps < 1 or self.batch < 1 or self.points < 1:
            raise ValueError("steps, batch and points are at least 1")
