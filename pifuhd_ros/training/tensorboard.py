"""Curves and pictures of a run, for TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch

from pifuhd_ros.types import ConfigError


class Board:
    """Writes to a folder that ``tensorboard --logdir`` shows."""

    def __init__(self, folder: Path) -> None:
        """Open the folder.

        Raises:
            ConfigError: TensorBoard is missing.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigError(
                f"curves and pictures need TensorBoard ({error}): pip install tensorboard, or go "
                "without by --no-board"
            ) from error
        self._writer = SummaryWriter(str(folder))

    def add_figures(self, group: str, figures: Mapping[str, float], step: int) -> None:
        """Points of curves; those that are not numbers are left out."""
        for name, value in figures.items():
            if not math.isnan(value):
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def add_pictures(self, group: str, pictures: Mapping[str, torch.Tensor], step: int) -> None:
        """Pictures (3, H, W) in [0, 1]."""
        for name, picture in pictures.items():
            self._writer.add_image(f"{group}/{name}", picture, step)
        self._writer.flush()

    def close(self) -> None:
        """Write out the rest."""
        self._writer.close()
