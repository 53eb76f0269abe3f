"""What is held out of the training: garments, hair, skins and poses that only evaluation sees.

The split is a file, ``held_out.json`` beside this one: for each kind the names that no training
person has, and the share of the baked body shapes that none is mixed from. Kinds called as in the
packed assets hold names of assets; the others hold names that the generator gives to what it makes
itself. Names are told apart across all kinds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

Split = Literal["train", "held_out"]

HELD_OUT_FILE = Path(__file__).with_name("held_out.json")


def _read(path: Path) -> tuple[dict[str, frozenset[str]], float]:
    data: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    by_kind = {kind: frozenset(names) for kind, names in data["names"].items()}
    return by_kind, float(data["share_of_shapes"])


HELD_OUT_BY_KIND, HELD_OUT_SHARE = _read(HELD_OUT_FILE)
"""The names of each kind; and the share of the baked body shapes, the last ones of them."""

HELD_OUT = frozenset[str]().union(*HELD_OUT_BY_KIND.values())
"""All names."""


def is_held_out(name: str) -> bool:
    """True for a name that training never sees."""
    return name in HELD_OUT


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=_Named)


def _pick(names: Sequence[str], items: Sequence[T], split: Split) -> list[T]:
    wanted = [
        item
        for name, item in zip(names, items, strict=True)
        if is_held_out(name) == (split == "held_out")
    ]
    # A kind of which nothing is held out (hats, brows) is free for both.
    return wanted or list(items)


def pick_names(names: Sequence[str], split: Split) -> list[str]:
    """The names of this split; all of them where the split has none of the kind."""
    return _pick(names, names, split)


def pick_named(items: Sequence[N], split: Split) -> list[N]:
    """The same for items that have a name."""
    return _pick([item.name for item in items], items, split)


def pick_pairs(items: Sequence[tuple[str, T]], split: Split) -> list[tuple[str, T]]:
    """The same for (name, value) pairs."""
    return _pick([name for name, _ in items], items, split)
