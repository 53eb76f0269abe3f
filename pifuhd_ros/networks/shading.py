"""The shading network of PHORHUM: what a light does to a surface that faces some way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from pifuhd_ros.geometry.vectors import sphere_directions

_ONE = math.log(math.e - 1)
"""Softplus of this is 1: an untrained network changes no colour."""
_SPHERE = 200


@dataclass(frozen=True)
class ShadingConfig:
    """Sizes of a ShadingNetwork."""

    illumination: int
    """Channels of the illumination code."""
    width: int
    """Channels of each hidden layer."""
    layers: int
    """Hidden layers."""

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= 16 or min(self.illumination, self.width) < 1:
            raise ValueError("a shading network has 1 … 16 layers of 1 or more channels")


class ShadingNetwork(nn.Module):
    """Normals under a light to shading, by which colours are multiplied as they are stored.

    Source: Alldieck et al., PHORHUM, CVPR 2022, section 3: s.
    """

    def __init__(self, config: ShadingConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [3 + config.illumination, *[config.width] * config.layers]
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        self.out = nn.Linear(config.width, 3)
        nn.init.constant_(self.out.bias, _ONE)

    def forward(self, normals: torch.Tensor, illumination: torch.Tensor) -> torch.Tensor:
        """Shading (B, N, 3), 0 or more.

        Args:
            normals: (B, N, 3) unit, model axes.
            illumination: (B, L) codes of the lights.
        """
        light = illumination[:, None].expand(-1, normals.shape[1], -1)
        x = torch.cat([normals, light.to(normals.dtype)], -1)
        for layer in self.hidden:
            x = F.silu(layer(x))
        return F.softplus(self.out(x))


def main_light_direction(network: ShadingNetwork, illumination: torch.Tensor) -> torch.Tensor:
    """Unit vectors (B, 3) to where most light comes from: the mean normal, weighed by its light.

    Args:
        network: whose light it is.
        illumination: (B, L).
    """
    normals = sphere_directions(_SPHERE, illumination.device).expand(len(illumination), -1, -1)
    light = network(normals, illumination).clamp(min=0).pow(2.2).mean(-1, keepdim=True)
    return F.normalize((light * normals).sum(1), dim=-1)
