"""A person of whom nothing can be measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """A person for whom a system made no usable shape."""

    person: str
    message: str
