"""The image-to-image generator that estimates the published network's normal maps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class GlobalGeneratorConfig:
    """Sizes of a GlobalGenerator. The defaults are those of the published normal networks."""

    in_channels: int = 3
    """Channels of the image."""
    out_channels: int = 3
    """Channels of the output map."""
    width: int = 64
    """Channels at full resolution; every downsampling doubles them."""
    downsamplings: int = 4
    """Halvings of the resolution."""
    blocks: int = 9
    """Residual blocks at the lowest resolution."""

    def __post_init__(self) -> None:
        if not 0 <= self.downsamplings <= 8 or not 0 <= self.blocks <= 64:
            raise ValueError(
                f"downsamplings {self.downsamplings} or blocks {self.blocks} outside 0 … 8, 0 … 64"
            )
        if min(self.in_channels, self.out_channels, self.width) < 1:
            raise ValueError("channels and width must be at least 1")


class _ResidualBlock(nn.Module):
    """Two reflection-padded 3×3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to the same shape."""
        y: torch.Tensor = self.conv_block(x)
        return y + x


class GlobalGenerator(nn.Module):
    """Image (B, in_channels, S, S) to a map (B, out_channels, S, S) in [-1, 1].

    Source: Wang et al., High-Resolution Image Synthesis with Conditional GANs, CVPR 2018,
    section 3.1 (the global generator).
    """

    def __init__(self, config: GlobalGeneratorConfig) -> None:
        super().__init__()
        self.config = config
        # One flat Sequential: its indices are the names in the published checkpoint.
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            *_normed(nn.Conv2d(config.in_channels, config.width, 7), config.width),
        ]
        channels = config.width
        for _ in range(config.downsamplings):
            conv = nn.Conv2d(channels, channels * 2, 3, stride=2, padding=1)
            channels *= 2
            layers += _normed(conv, channels)
        layers += [_ResidualBlock(channels) for _ in range(config.blocks)]
        for _ in range(config.downsamplings):
            deconv = nn.ConvTranspose2d(
                channels, channels // 2, 3, stride=2, padding=1, output_padding=1
            )
            channels //= 2
            layers += _normed(deconv, channels)
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(channels, config.out_channels, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Image (B, in_channels, S, S), S a multiple of 2^downsamplings; of any precision."""
        multiple = 2**self.config.downsamplings
        _, channels, height, width = image.shape
        if channels != self.config.in_channels or height % multiple or width % multiple:
            raise ValueError(
                f"expected (B, {self.config.in_channels}, S, S) with S a multiple of {multiple}, "
                f"got {tuple(image.shape)}"
            )
        result: torch.Tensor = self.model(image.to(next(self.parameters()).dtype))
        return result


def _normed(conv: nn.Module, channels: int) -> list[nn.Module]:
    return [conv, nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)]
