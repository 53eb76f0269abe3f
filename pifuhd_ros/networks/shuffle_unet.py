"""The image trunk of the lite networks: a U-Net behind a pixel-unshuffle stem."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from pifuhd_ros.networks.config_json import ADDED_LATER


@dataclass(frozen=True)
class ShuffleUNetConfig:
    """Sizes of a ShuffleUNet."""

    in_channels: int
    """Channels of the image."""
    out_channels: int
    """Channels of the output map."""
    stem_stride: int = 4
    """Pixels on a side that the stem folds into one: the trunk's finest stride."""
    out_stride: int = 1
    """Stride of the output map; divides stem_stride."""
    widths: tuple[int, ...] = (64, 96, 128, 192)
    """Channels of each level, finest first; every level halves the resolution."""
    blocks: tuple[int, ...] = (1, 2, 2, 2)
    """Residual blocks of each level on the way down; the way up has one a level."""
    groups: int = 8
    """Groups of the group norms."""
    guide_channels: int = field(default=0, metadata={ADDED_LATER: True})
    """Channels of the maps that come beside the image, at the trunk's finest stride."""


def _coordinates(like: torch.Tensor) -> torch.Tensor:
    """(B, 2, H, W): x to the right and y up, both in [-1, 1]."""
    batch, _, height, width = like.shape
    y = torch.linspace(1, -1, height, device=like.device, dtype=like.dtype)
    x = torch.linspace(-1, 1, width, device=like.device, dtype=like.dtype)
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"))
    return grid.expand(batch, -1, -1, -1)


class _Block(nn.Module):
    """Two 3×3 convolutions with a residual path."""

    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(groups, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(groups, out_channels)
        self.skip: nn.Module = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Conv2d(in_channels, out_channels, 1, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.skip(x))


class ShuffleUNet(nn.Module):
    """Image (B, C, S, S) to a feature map (B, out_channels, S / out_stride, S / out_stride).

    The arithmetic runs at a quarter of the resolution and below, on many channels: on a CPU the
    same number of operations takes a tenth of the time that few channels at full resolution take.
    The crop is centred on the person, so the trunk is told where each pixel lies in it.

    Source: pixel (un)shuffle from Shi et al., CVPR 2016; U-Net from Ronneberger et al., 2015.
    """

    def __init__(self, config: ShuffleUNetConfig) -> None:
        super().__init__()
        if config.stem_stride % config.out_stride:
            raise ValueError(
                f"out_stride {config.out_stride} does not divide stem_stride {config.stem_stride}"
            )
        if len(config.widths) != len(config.blocks):
            raise ValueError(f"widths {config.widths} and blocks {config.blocks} differ in length")
        self.config = config
        self._up = config.stem_stride // config.out_stride
        folded = config.in_channels * config.stem_stride**2 + 2 + config.guide_channels
        self.stem = nn.Conv2d(folded, config.widths[0], 3, padding=1)
        self.down = nn.ModuleList()
        channels = config.widths[0]
        for width, count in zip(config.widths, config.blocks, strict=True):
            level = [
                _Block(channels if i == 0 else width, width, config.groups) for i in range(count)
            ]
            self.down.append(nn.Sequential(*level))
            channels = width
        self.up = nn.ModuleList()
        for width in reversed(config.widths[:-1]):
            self.up.append(_Block(channels + width, width, config.groups))
            channels = width
        self.head = nn.Conv2d(channels, config.out_channels * self._up**2, 3, padding=1)
        if config.guide_channels:
            # Norms take the level from what passes them; a depth in the guide reaches the output.
            self.guide_head = nn.Conv2d(config.guide_channels, config.out_channels, 1, bias=False)
            nn.init.zeros_(self.guide_head.weight)

    def round_deeper_levels(self, dtype: torch.dtype) -> None:
        """Have all but the stem and the first level on the way down compute in ``dtype``."""
        for name, part in self.named_children():
            if name == "down":
                self.down[1:].to(dtype)
            elif name != "stem":
                part.to(dtype)

    def forward(self, image: torch.Tensor, guide: torch.Tensor | None = None) -> torch.Tensor:
        """The feature map; see ``encode``."""
        return self.encode(image, guide)[0]

    def encode(
        self, image: torch.Tensor, guide: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The feature map, and the bottleneck that it is made from.

        Args:
            image: (B, in_channels, S, S), S a multiple of stem_stride * 2^(levels - 1); it is
                rounded to what the stem computes in.
            guide: (B, guide_channels, S / stem_stride, S / stem_stride); None: there are none.

        Returns:
            (B, out_channels, S / out_stride, S / out_stride), and the coarsest level's
            (B, widths[-1], s, s).
        """
        multiple = self.config.stem_stride * 2 ** (len(self.config.widths) - 1)
        _, channels, height, width = image.shape
        if channels != self.config.in_channels or height % multiple or width % multiple:
            raise ValueError(
                f"expected (B, {self.config.in_channels}, S, S) with S a multiple of {multiple}, "
                f"got {tuple(image.shape)}"
            )
        x = F.pixel_unshuffle(image.to(self.stem.weight.dtype), self.config.stem_stride)
        guides = [] if guide is None else [guide.to(x.dtype)]
        x = torch.cat([x, _coordinates(x), *guides], 1)
        # Convolutions of many channels run up to three times faster on this layout.
        x = F.relu(self.stem(x.contiguous(memory_format=torch.channels_last)))
        skips: list[torch.Tensor] = []
        for i, level in enumerate(self.down):
            x = level(x if i == 0 else F.avg_pool2d(x, 2)).to(self.head.weight.dtype)
            skips.append(x)
        bottleneck = skips.pop()
        for level in self.up:
            skip = skips.pop()
            x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = level(torch.cat([x, skip], 1))
        features = F.pixel_shuffle(self.head(x), self._up)
        if guide is not None:
            hint = self.guide_head(guide.to(features.dtype))
            if self._up > 1:
                hint = F.interpolate(hint, scale_factor=float(self._up), mode="bilinear")
            features = features + hint
        return features, bottleneck
