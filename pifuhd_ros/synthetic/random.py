"""Seeded draws, on the CPU so that a seed means the same person on every device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch

T = TypeVar("T")


class Dice:
    """A seeded source of random numbers; every draw moves it on."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float) -> float:
        """One number in [low, high)."""
        return low + (high - low) * float(torch.rand((), generator=self._generator))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.uniform(0, 1) < probability

    def integer(self, count: int) -> int:
        """One of 0 … count - 1."""
        return int(torch.randint(count, (), generator=self._generator))

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.integer(len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of the items, as often as its weight says; where all are zero, any."""
        if sum(weights) == 0:
            return self.choice(items)
        x = self.uniform(0, sum(weights))
        for item, weight in zip(items, weights, strict=True):
            x -= weight
            if x < 0:
                return item
        return items[-1]

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal numbers."""
        return torch.randn(*shape, generator=self._generator)

    def rand(self, *shape: int) -> torch.Tensor:
        """Uniform numbers in [0, 1)."""
        return torch.rand(*shape, generator=self._generator)
