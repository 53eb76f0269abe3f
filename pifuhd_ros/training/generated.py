"""People made while training goes on: no files, and nobody is seen twice."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from pifuhd_ros.body.model import load_body
from pifuhd_ros.synthetic.dataset import ViewSample, view_samples
from pifuhd_ros.synthetic.samples import SamplingConfig
from pifuhd_ros.synthetic.synthesis import (
    MakePeople,
    SynthesisConfig,
    person_maker,
    synthesize,
)
from pifuhd_ros.synthetic.wardrobe import load_wardrobe

_SEEDS = 2**30
"""As many for training, then as many for validation; torch takes 32 bits of a seed. Those of
datasets and of held-out people are smaller."""
_POINTS = 8192


@dataclass(frozen=True)
class GeneratedPeople:
    """A source that makes each batch anew."""

    assets: Path
    """Packed."""
    device: str = "cpu"
    """Where people are made."""
    views: int = 4
    """Of each person: a batch of n views shows n / views people."""
    validation: bool = False
    """Other people than those of training."""

    @cached_property
    def _make(self) -> MakePeople:
        return person_maker(load_wardrobe(self.assets, self.device), load_body(device=self.device))

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def draw(
        self, count: int, size_px: int, generator: torch.Generator, with_body: bool = False
    ) -> list[ViewSample]:
        """See ``PeopleSource.draw``; these views always have their ``body``."""
        people = -(-count // self.views)
        first = 2 * _SEEDS if self.validation else _SEEDS
        seeds = first + torch.randint(_SEEDS, (people,), generator=generator)
        config = SynthesisConfig(size_px, self.views, SamplingConfig(points=_POINTS))
        return view_samples(synthesize(self._make, seeds.tolist(), config))[:count]
