"""Where the photo ends: some people stand partly outside it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

CUT_OFF = 0.1
"""Share of people who are cut off; most of them at the legs."""
_LOWEST, _HIGHEST = -0.75, 0.55
"""Range of the photo's lower edge, where it cuts [model units]: from the shins to the chest."""
_SIDEWAYS = 0.25
"""Share of those cut off whom the left or the right edge cuts instead, near an arm."""
_NEAREST, _FARTHEST = 0.05, 0.35
"""Range of that edge's distance from the middle of the crop."""


@dataclass(frozen=True)
class FrameEdges:
    """Where photos end, in the model space of their crops; beyond is nothing."""

    left: torch.Tensor
    """(B,)"""
    right: torch.Tensor
    """(B,)"""
    bottom: torch.Tensor
    """(B,)"""

    def contain(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Whether places (B, N) lie in the photos, (B, N) bool."""
        left, right, bottom = (edge[:, None] for edge in (self.left, self.right, self.bottom))
        return (x >= left) & (x <= right) & (y >= bottom)


def sample_frame_edges(
    count: int, generator: torch.Generator, device: torch.device | str = "cpu"
) -> FrameEdges:
    """Photos that mostly hold the whole person; ``generator`` is on the CPU."""
    far = torch.full((count,), 2.0)
    is_cut, side, which = torch.rand(3, count, generator=generator)
    height = _LOWEST + (_HIGHEST - _LOWEST) * torch.rand(count, generator=generator)
    distance = _NEAREST + (_FARTHEST - _NEAREST) * torch.rand(count, generator=generator)
    is_cut, is_side, is_left = is_cut < CUT_OFF, side < _SIDEWAYS, which < 0.5
    return FrameEdges(
        left=torch.where(is_cut & is_side & is_left, -distance, -far).to(device),
        right=torch.where(is_cut & is_side & ~is_left, distance, far).to(device),
        bottom=torch.where(is_cut & ~is_side, height, -far).to(device),
    )
