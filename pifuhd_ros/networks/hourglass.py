"""The stacked hourglass that turns an image into pixel-aligned features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class HourglassConfig:
    """Sizes of a HourglassFilter."""

    in_channels: int
    """Channels of the image, normal maps included."""
    out_channels: int
    """Channels of the features."""
    stacks: int
    """Hourglasses in a row."""
    depth: int
    """Halvings of the resolution inside an hourglass."""
    downsampling: Literal["average", "none"]
    """What follows the stride-2 stem: average pooling (features at S / 4) or nothing (S / 2)."""
    channels: int = 256
    """Channels inside the hourglasses."""
    groups: int = 32
    """Groups of the group norms; they divide an eighth of ``channels``."""

    def __post_init__(self) -> None:
        if not 1 <= self.stacks <= 16 or not 1 <= self.depth <= 8:
            raise ValueError(f"stacks {self.stacks} or depth {self.depth} outside 1 … 16, 1 … 8")
        if min(self.in_channels, self.out_channels, self.channels, self.groups) < 1:
            raise ValueError("channels and groups must be at least 1")
        if self.channels % (8 * self.groups):
            raise ValueError(
                f"{self.groups} groups do not divide an eighth of {self.channels} channels"
            )


class _ConvBlock(nn.Module):
    """Three 3×3 convolutions, each fed by the one before, concatenated, plus a residual path.

    Source: Bulat and Tzimiropoulos, Binarized Convolutional Landmark Localizers, ICCV 2017, fig. 4.
    """

    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        half, quarter = out_channels // 2, out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, half, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(half, quarter, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.bn1 = nn.GroupNorm(groups, in_channels)
        self.bn2 = nn.GroupNorm(groups, half)
        self.bn3 = nn.GroupNorm(groups, quarter)
        # The checkpoint holds bn4 always, and a second time as downsample.0 where that exists.
        self.bn4 = nn.GroupNorm(groups, in_channels)
        self.downsample: nn.Sequential | None = None
        if in_channels != out_channels:
            self.downsample = nn.Sequential(
                self.bn4,
                nn.ReLU(inplace=True),
                nn.Conv2d(in_channels, out_channels, 1, bias=False),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        y1 = self.conv1(F.relu(self.bn1(x), inplace=True))
        y2 = self.conv2(F.relu(self.bn2(y1), inplace=True))
        y3 = self.conv3(F.relu(self.bn3(y2), inplace=True))
        residual = x if self.downsample is None else self.downsample(x)
        return torch.cat([y1, y2, y3], 1).add_(residual)


class _Hourglass(nn.Module):
    """Features processed at ``depth`` halved resolutions and summed on the way back up."""

    def __init__(self, depth: int, channels: int, groups: int) -> None:
        super().__init__()
        self.depth = depth
        # Registration order is the checkpoint's: outwards in, then back.
        for level in range(depth, 0, -1):
            self.add_module(f"b1_{level}", _ConvBlock(channels, channels, groups))
            self.add_module(f"b2_{level}", _ConvBlock(channels, channels, groups))
        self.add_module("b2_plus_1", _ConvBlock(channels, channels, groups))
        for level in range(1, depth + 1):
            self.add_module(f"b3_{level}", _ConvBlock(channels, channels, groups))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) to the same shape; H and W are multiples of 2^depth."""
        return self._level(self.depth, x)

    def _level(self, level: int, x: torch.Tensor) -> torch.Tensor:
        low = self.get_submodule(f"b2_{level}")(F.avg_pool2d(x, 2))
        low = self._level(level - 1, low) if level > 1 else self.get_submodule("b2_plus_1")(low)
        low = self.get_submodule(f"b3_{level}")(low)
        up = F.interpolate(low, scale_factor=2, mode="bicubic", align_corners=True)
        same: torch.Tensor = self.get_submodule(f"b1_{level}")(x)
        return same.add_(up)


class HourglassFilter(nn.Module):
    """Image (B, in_channels, S, S) to features (B, out_channels, S / k, S / k), k = 2 or 4.

    Only the last stack's features are returned; the others steer training in the paper.

    Source: Newell et al., Stacked Hourglass Networks, ECCV 2016; as used in Saito et al., PIFuHD,
    CVPR 2020, section 3.
    """

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__()
        self.config = config
        channels, groups = config.channels, config.groups
        stem, middle = channels // 4, channels // 2
        self.conv1 = nn.Conv2d(config.in_channels, stem, 7, stride=2, padding=3)
        self.bn1 = nn.GroupNorm(groups, stem)
        self.conv2 = _ConvBlock(stem, middle, groups)
        self.conv3 = _ConvBlock(middle, middle, groups)
        self.conv4 = _ConvBlock(middle, channels, groups)
        for i in range(config.stacks):
            self.add_module(f"m{i}", _Hourglass(config.depth, channels, groups))
            self.add_module(f"top_m_{i}", _ConvBlock(channels, channels, groups))
            self.add_module(f"conv_last{i}", nn.Conv2d(channels, channels, 1))
            self.add_module(f"bn_end{i}", nn.GroupNorm(groups, channels))
            self.add_module(f"l{i}", nn.Conv2d(channels, config.out_channels, 1))
            if i < config.stacks - 1:
                self.add_module(f"bl{i}", nn.Conv2d(channels, channels, 1))
                self.add_module(f"al{i}", nn.Conv2d(config.out_channels, channels, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Image (B, in_channels, S, S), S a multiple of k · 2^depth; of any precision."""
        stride = 4 if self.config.downsampling == "average" else 2
        multiple = stride * 2**self.config.depth
        _, channels, height, width = image.shape
        if channels != self.config.in_channels or height % multiple or width % multiple:
            raise ValueError(
                f"expected (B, {self.config.in_channels}, S, S) with S a multiple of {multiple}, "
                f"got {tuple(image.shape)}"
            )
        x = self.conv1(image.to(self.conv1.weight.dtype))
        x = self.conv2(F.relu(self.bn1(x), inplace=True))
        if self.config.downsampling == "average":
            x = F.avg_pool2d(x, 2)
        x = self.conv4(self.conv3(x))
        for i in range(self.config.stacks - 1):
            y, features = self._stack(i, x)
            x = x + self.get_submodule(f"bl{i}")(y) + self.get_submodule(f"al{i}")(features)
        return self._stack(self.config.stacks - 1, x)[1]

    def _stack(self, i: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The i-th hourglass: what the next one sees (B, channels, …) and the features."""
        y = self.get_submodule(f"top_m_{i}")(self.get_submodule(f"m{i}")(x))
        y = self.get_submodule(f"bn_end{i}")(self.get_submodule(f"conv_last{i}")(y))
        y = F.relu(y, inplace=True)
        return y, self.get_submodule(f"l{i}")(y)
