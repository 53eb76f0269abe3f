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

    def shown(self, size: int) -> torch.Tensor:
        """1 in the pixels (B, 1, size, size) of the crops that the photos hold, else 0."""
        steps = torch.linspace(-1, 1, size, device=self.left.device)
        y, x = torch.meshgrid(-steps, steps, indexing="ij")
        count = len(self.left)
        held = self.contain(x.reshape(1, -1).expand(count, -1), y.reshape(1, -1).expand(count, -1))
        return held.view(-1, 1, size, size).float()

    def beyond(self, points: torch.Tensor, inverse_distance: torch.Tensor) -> torch.Tensor:
        """How far points lie outside what the photos hold, in space; negative within.

        Args:
            points: (B, N, 3) of the model box.
            inverse_distance: (B,) of the cameras: the edges are planes through them.

        Returns:
            (B, N), off the nearest edge or, beyond it, the most crossed one.
        """
        x, y, z = points.unbind(-1)
        inverse = inverse_distance[:, None]
        left, right, bottom = (edge[:, None] for edge in (self.left, self.right, self.bottom))

        def off(outward: torch.Tensor, edge: torch.Tensor) -> torch.Tensor:
            return outward * (1 - z * inverse) / (1 + (edge * inverse).square()).sqrt()

        across = torch.maximum(off(left - x, left), off(x - right, right))
        return torch.maximum(across, off(bottom - y, bottom))


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
