"""The pixel-aligned MLP: features of a point to a logit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class PointMlpConfig:
    """Sizes of a PointMlp."""

    channels: tuple[int, ...]
    """Channels from the input to the single logit: (in, hidden, …, 1)."""
    skips: tuple[int, ...]
    """Layers, counted from 0, that see the input again beside the layer before."""
    phi_layer: int | None = None
    """The hidden layer whose output is handed on to a finer level; None: there is none."""

    def __post_init__(self) -> None:
        layers = len(self.channels) - 1
        if not 1 <= layers <= 16 or self.channels[-1] != 1 or min(self.channels) < 1:
            raise ValueError(f"channels run from the input to 1 in 1 … 16 layers: {self.channels}")
        if any(not 0 < i < layers for i in self.skips):
            raise ValueError(f"skips {self.skips} name layers outside 1 … {layers - 1}")
        if self.phi_layer is not None and not 0 <= self.phi_layer < layers - 1:
            raise ValueError(f"phi_layer {self.phi_layer} is no hidden layer of {layers}")


class PointMlp(nn.Module):
    """A multi-layer perceptron over points, with the input skipped in at some layers.

    Source: Saito et al., PIFu, ICCV 2019, and PIFuHD, CVPR 2020, section 3.
    """

    def __init__(self, config: PointMlpConfig) -> None:
        super().__init__()
        self.config = config
        # 1×1 convolutions by name and shape, as in the published checkpoint.
        self.filters = nn.ModuleList(
            nn.Conv1d(before + (config.channels[0] if i in config.skips else 0), after, 1)
            for i, (before, after) in enumerate(
                zip(config.channels[:-1], config.channels[1:], strict=True)
            )
        )

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Evaluate points.

        Args:
            features: (B, N, channels[0]).

        Returns:
            Logits (B, N), and phi (B, N, C), the output of layer phi_layer (C = 0 without one).
        """
        if features.dim() != 3 or features.shape[2] != self.config.channels[0]:
            raise ValueError(
                f"expected (B, N, {self.config.channels[0]}), got {tuple(features.shape)}"
            )
        x, phi = features, features[..., :0]
        for i, (weight, bias) in enumerate(self.layers()):
            if i in self.config.skips:
                # [x, features] · weightᵀ without the concatenation.
                own = x.shape[2]
                x = F.linear(x, weight[:, :own], bias) + F.linear(features, weight[:, own:])
            else:
                x = F.linear(x, weight, bias)
            if i < len(self.filters) - 1:
                x = F.leaky_relu(x)
            if i == self.config.phi_layer:
                phi = x
        return x[..., 0], phi

    def layers(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Weight (out, in) and bias (out,) of each layer."""
        return [
            (layer.get_parameter("weight")[:, :, 0], layer.get_parameter("bias"))
            for layer in self.filters
        ]
