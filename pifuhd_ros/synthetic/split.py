"""What is held out of the training: garments, hair, skins and poses that only evaluation sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar

Split = Literal["train", "held_out"]

HELD_OUT = frozenset(
    {
        "female_elegantsuit01",
        "male_casualsuit03",
        "shoes03",
        "bob02",
        "short04",
        "middleage_darkskinned_female_diffuse",
        "young_lightskinned_male_diffuse2",
        "young_lightskinned_female_diffuse3",
        "old_lightskinned_male_diffuse",
        "standing03",
        "standing05",
        "run01",
    }
)
"""Names of assets. A procedural dress is held out too: see synthetic/clothing.py."""

HELD_OUT_SHARE = 0.1
"""Share of the baked body shapes, the last ones, that only evaluation mixes people from."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T")


def _pick(names: Sequence[str], items: Sequence[T], split: Split) -> list[T]:
    wanted = [
        item
        for name, item in zip(names, items, strict=True)
        if (name in HELD_OUT) == (split == "held_out")
    ]
    return wanted or list(items)


N = TypeVar("N", bound=_Named)


def pick_named(items: Sequence[N], split: Split) -> list[N]:
    """The items of this split; all of them where the split has none of the kind (hats, brows)."""
    return _pick([item.name for item in items], items, split)


def pick_pairs(items: Sequence[tuple[str, T]], split: Split) -> list[tuple[str, T]]:
    """The same for (name, value) pairs."""
    return _pick([name for name, _ in items], items, split)
