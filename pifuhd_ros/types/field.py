"""A shape as a scalar function of space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


class ImplicitField(Protocol):
    """A scalar field over the model box whose level set is the surface.

    ``query`` returns its result and stores nothing; it works in any order and in any batch size.
    """

    @property
    def level(self) -> float:
        """Value of the field on the surface (0.5 for occupancy, 0 for a signed distance)."""

    @property
    def inside_is_above(self) -> bool:
        """True where values above ``level`` are inside (occupancy), False for signed distance."""

    @property
    def device(self) -> torch.device:
        """Where ``query`` expects its points."""

    def query(self, points: torch.Tensor) -> torch.Tensor:
        """Values (N,) float32 at points (N, 3) float32 in model space, same device."""
