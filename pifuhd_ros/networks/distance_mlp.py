"""The point network of PHORHUM: from what a pixel shows and where a point lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

_PIXEL_RANGE = 0.02
"""Colours closer than this to 0 or 1 count as this far: their logit is infinite."""


@dataclass(frozen=True)
class DistanceMlpConfig:
    """Sizes of a DistanceMlp."""

    width: int
    """Channels of each hidden layer."""
    layers: int
    """Hidden layers; the middle one sees the input again."""
    frequencies: int
    """Of the positional encoding: 2^0 π … 2^(n-1) π."""
    sees_pixel: bool = False
    """Whether the albedo starts from the colour of the point's pixel, which is sharper than any
    feature; how much of it holds, and what is added, the network says for each point."""

    def __post_init__(self) -> None:
        if not 2 <= self.layers <= 16 or self.width < 1 or self.frequencies > 16:
            raise ValueError(
                f"a point network has 2 … 16 layers of 1 or more channels and at most 16 "
                f"frequencies, got {self.layers}, {self.width} and {self.frequencies}"
            )


def encode_position(points: torch.Tensor, frequencies: int) -> torch.Tensor:
    """Points (…, 3) with the sines and cosines of their coordinates, (…, 3 + 6 · frequencies).

    Source: Mildenhall et al., NeRF, ECCV 2020, section 5.1; the γ of PHORHUM, section 3.
    """
    steps = 2.0 ** torch.arange(frequencies, device=points.device, dtype=points.dtype) * math.pi
    angles = (points[..., None] * steps).flatten(-2)
    return torch.cat([points, angles.sin(), angles.cos()], -1)


class DistanceMlp(nn.Module):
    """Signed distance and albedo of points.

    Source: Alldieck et al., PHORHUM, CVPR 2022, section 3: f, with Swish and one skip connection.
    """

    def __init__(self, features: int, config: DistanceMlpConfig) -> None:
        super().__init__()
        self.config = config
        self._skip = config.layers // 2
        channels = features + 3 + 6 * config.frequencies
        self.hidden = nn.ModuleList(
            nn.Linear(
                (0 if i == 0 else config.width) + (channels if i in (0, self._skip) else 0),
                config.width,
            )
            for i in range(config.layers)
        )
        self.distance = nn.Linear(config.width, 1)
        nn.init.constant_(self.distance.bias, 0.1)  # Most of the box is outside.
        self.albedo = nn.Linear(config.width, 6 if config.sees_pixel else 3)

    def forward(
        self, features: torch.Tensor, points: torch.Tensor, pixels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Evaluate points.

        Args:
            features: (B, N, C) of the points.
            points: (B, N, 3), in space.
            pixels: (B, N, 3) the photo's colours in [0, 1] where the points are seen.

        Returns:
            Signed distance (B, N), negative inside, and albedo (B, N, 3) in [0, 1].
        """
        given = torch.cat([features, encode_position(points, self.config.frequencies)], -1)
        x = given
        for i, layer in enumerate(self.hidden):
            x = F.silu(layer(torch.cat([x, given], -1) if i == self._skip else x))
        answer = self.albedo(x)
        if self.config.sees_pixel:
            offset, share = answer.split(3, -1)
            answer = offset + share.sigmoid() * pixels.clamp(_PIXEL_RANGE, 1 - _PIXEL_RANGE).logit()
        return self.distance(x)[..., 0], answer.sigmoid()
