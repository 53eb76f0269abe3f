"""PHORHUM: distance and albedo of every point, and the light of the photo, from one image."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from pifuhd_ros.geometry.perspective import seen_from_space, space_from_seen
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.bilinear import sample_twice_differentiable
from pifuhd_ros.networks.config_json import ADDED_LATER
from pifuhd_ros.networks.distance_mlp import DistanceMlp, DistanceMlpConfig
from pifuhd_ros.networks.light_fit import FIT_CHANNELS, fit_light, normals_of_depth
from pifuhd_ros.networks.sampling import resize_map, shrink_image
from pifuhd_ros.networks.shading import ShadingConfig, ShadingNetwork
from pifuhd_ros.networks.shuffle_unet import ShuffleUNet, ShuffleUNetConfig
from pifuhd_ros.networks.skeleton_guide import GUIDE_CHANNELS, draw_skeleton

_FIRST_SHARPNESS = 3.0
_FIT_SCALE = 4.0
"""The fitted light's coefficients differ by some tenths: brought to the size of other features."""
_BLACK = 0.01
"""Crops are black around the person."""
_DARKEST = 0.2
"""Shading that is divided out is no darker: shadows hold no colour."""
PAINTED = 6
"""Outputs of the trunk that are images, where it paints: three and three colours."""
_THINNEST = 0.02
"""Least depth between front and back over which one side's colour gives way to the other's."""
_SLACK = 0.05
"""So far before the front that was estimated, or behind the back, there may still be something
[model units]."""


@dataclass(frozen=True)
class PhorhumConfig:
    """Sizes of a PhorhumNetwork."""

    name: str
    """What a user calls this network."""
    image_size: int
    """Side of the crop [px]."""
    trunk_size: int
    """Side [px] at which the feature extractor sees it; divides image_size."""
    camera: Literal["perspective", "orthographic"]
    """How points are projected to the crop's pixels."""
    trunk: ShuffleUNetConfig
    """The feature extractor; with guide channels it sees the skeleton, too."""
    point: DistanceMlpConfig
    """Distance and albedo of a point."""
    shading: ShadingConfig
    """Shading of a normal under the light."""
    depth_scale: float = 0.0
    """Beyond the paper: the first two features are depth_scale · z of the front and the back, and
    points see their depth relative to these; 0: there are no such features."""

    reads_light: bool = False
    """Beyond the paper: the illumination code is made from the bottleneck and from the light that
    the photo's colours show over the normals of the depth features (see light_fit.py), and points
    see the colour of their pixel with the shading of these normals divided out."""
    paints: bool = field(default=False, metadata={ADDED_LATER: True})
    """Beyond the paper: the trunk's last PAINTED outputs are two images. One, as a logarithm, is
    divided out of the pixels, too: what of the photo's shading normals under a light do not tell.
    The other is the albedo of the back, which points nearer to the back see as their pixel."""

    def __post_init__(self) -> None:
        if self.trunk_size < 1 or self.image_size % self.trunk_size:
            raise ValueError(
                f"trunk_size {self.trunk_size} does not divide image_size {self.image_size}"
            )
        if self.trunk.in_channels != 3:
            raise ValueError(f"trunk.in_channels is {self.trunk.in_channels}, an image has 3")
        if self.trunk.guide_channels not in (0, GUIDE_CHANNELS):
            raise ValueError(
                f"trunk.guide_channels is {self.trunk.guide_channels}, "
                f"allowed: 0 or {GUIDE_CHANNELS}"
            )
        if self.has_depths and self.trunk.out_channels < 2:
            raise ValueError("the first two features are depths: there must be as many")
        if self.reads_light and not self.has_depths:
            raise ValueError("reads_light needs the features that are depths: set depth_scale")
        if self.paints and not (self.reads_light and self.trunk.out_channels >= 2 + PAINTED):
            raise ValueError(f"paints needs reads_light and {PAINTED} outputs more of the trunk")

    @property
    def has_depths(self) -> bool:
        """Whether the first two features are the depths of front and back."""
        return self.depth_scale > 0

    @property
    def features(self) -> int:
        """Pixel-aligned features that points see."""
        return self.trunk.out_channels - PAINTED * self.paints


@dataclass(frozen=True)
class PhorhumFeatures:
    """What the image networks say of crops."""

    maps: torch.Tensor
    """(B, C, h, w) pixel-aligned features."""
    pixels: torch.Tensor
    """(B, 3, S, S) the crops' colours in [0, 1], as they are or without their estimated shading."""
    behind: torch.Tensor
    """(B, 3, h, w) in [0, 1]: what points near the back see in place of ``pixels``; empty, h = 0,
    where all see these."""
    illumination: torch.Tensor
    """(B, L) codes of the light."""

    def with_depths(self, depths: torch.Tensor) -> PhorhumFeatures:
        """The same with other first two features (B, 2, h, w)."""
        return replace(self, maps=torch.cat([depths.to(self.maps.dtype), self.maps[:, 2:]], 1))


PUBLISHED = PhorhumConfig(
    name="phorhum",
    image_size=512,
    trunk_size=512,
    camera="perspective",
    trunk=ShuffleUNetConfig(
        in_channels=3,
        out_channels=256,
        stem_stride=1,
        widths=(64, 128, 256, 512, 512, 512, 512),
        blocks=(1, 1, 1, 1, 1, 1, 1),
    ),
    point=DistanceMlpConfig(width=512, layers=8, frequencies=6),
    shading=ShadingConfig(illumination=512, width=256, layers=3),
)
"""The network of Alldieck et al., CVPR 2022, at its size: 512 px, 13 levels, 256 features. What a
level looks like inside is ours."""

LITE = PhorhumConfig(
    name="phorhum-lite",
    image_size=512,
    trunk_size=256,
    camera="perspective",
    trunk=ShuffleUNetConfig(
        in_channels=3,
        out_channels=48 + PAINTED,
        out_stride=4,
        widths=(64, 96, 128, 160),
        blocks=(1, 2, 2, 1),
        guide_channels=GUIDE_CHANNELS,
    ),
    point=DistanceMlpConfig(width=96, layers=4, frequencies=3, sees_pixel=True),
    shading=ShadingConfig(illumination=32, width=64, layers=2),
    depth_scale=5.0,
    reads_light=True,
    paints=True,
)
"""Our own small network, for two CPU cores."""


class PhorhumNetwork(nn.Module):
    """Image features and light of a crop; distance, albedo and shading of points.

    Images are RGB in [-1, 1] at ``config.image_size`` px; the network averages them down itself for
    its trunk. Points are in space (see geometry/perspective.py). Every method can be
    differentiated, points even twice, and stores nothing.

    Source: Alldieck, Zanfir and Sminchisescu, Photorealistic Monocular 3D Reconstruction of Humans
    Wearing Clothing, CVPR 2022.
    """

    def __init__(self, config: PhorhumConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = ShuffleUNet(config.trunk)
        self.light = _light_head(config)
        self.point = DistanceMlp(config.features, config.point)
        self.shading = ShadingNetwork(config.shading)
        # The logarithm of the factor k by which the paper's L_l sharpens distances.
        self.sharpness = nn.Parameter(torch.tensor(_FIRST_SHARPNESS))

    def encode(self, image: torch.Tensor, joints: torch.Tensor | None = None) -> PhorhumFeatures:
        """Features and light of crops.

        Args:
            image: (B, 3, S, S) in [-1, 1], S = image_size or trunk_size.
            joints: (B, J, 4) skeletons, see geometry/skeleton.py, zero where not known; networks
                without guide channels do not look at them. None: nothing is known.
        """
        sizes = (self.config.image_size, self.config.trunk_size)
        if image.dim() != 4 or tuple(image.shape[1:]) not in [(3, s, s) for s in sizes]:
            raise ValueError(
                f"expected (B, 3, S, S) with S = {' or '.join(map(str, sizes))}, "
                f"got {tuple(image.shape)}"
            )
        guide = None
        if self.config.trunk.guide_channels:
            if joints is None:
                joints = image.new_zeros(len(image), len(JOINTS), 4)
            guide = draw_skeleton(joints, self.config.trunk_size // self.config.trunk.stem_stride)
        small = shrink_image(image, self.config.trunk_size)
        maps, bottleneck = self.trunk.encode(small, guide)
        pixels = image.float() / 2 + 0.5
        code = bottleneck.float().mean((2, 3))
        if not self.config.reads_light:
            nothing = pixels[:, :, :0, :0]
            return PhorhumFeatures(maps.float(), pixels, nothing, self.light(code).float())
        with _in_float32(image):
            maps, painted = maps.float().tensor_split([self.config.features], 1)
            unseen, behind = painted.chunk(2, 1)
            pixels, illumination = self._read_light(pixels, maps, code, unseen)
        return PhorhumFeatures(maps, pixels, behind.sigmoid(), illumination)

    def _read_light(
        self, pixels: torch.Tensor, maps: torch.Tensor, code: torch.Tensor, unseen: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The pixels (B, 3, S, S) without their estimated shading, and the light's code (B, L).

        Args:
            pixels: (B, 3, S, S) as they are.
            maps: (B, C, h, w) of the trunk, the first the depth of the front.
            code: (B, C) of the trunk.
            unseen: (B, 3, h, w) the logarithm of what normals do not tell of the shading; without
                channels where the network does not paint.
        """
        colors = F.adaptive_avg_pool2d(pixels, maps.shape[-1])
        normals = normals_of_depth(maps[:, :1].detach() / self.config.depth_scale)
        mask = (colors.amax(1, keepdim=True) > _BLACK).float()
        fitted = _FIT_SCALE * fit_light(colors, normals, mask)
        illumination = self.light(torch.cat([code, fitted], 1))
        shading = self.shade(normals.flatten(2).transpose(1, 2), illumination)
        shading = shading.transpose(1, 2).unflatten(2, normals.shape[2:])
        if self.config.paints:
            shading = shading * unseen.exp()
        shading = resize_map(shading.clamp(min=_DARKEST), pixels.shape[-1])
        return (pixels / shading).clamp(max=1), illumination

    def to_space(self, points: torch.Tensor, inverse_distance: torch.Tensor) -> torch.Tensor:
        """Points (B, N, 3) of the model box in the space of this network's camera.

        Args:
            points: x and y as they are seen.
            inverse_distance: (B,) of the cameras; not looked at where the config's is orthographic.
        """
        if self.config.camera == "orthographic":
            return points
        return space_from_seen(points, inverse_distance)

    def query(
        self, features: PhorhumFeatures, points: torch.Tensor, inverse_distance: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Signed distance (B, N), negative inside, and albedo (B, N, 3) in [0, 1] of points.

        Computed in float32 whatever the arithmetic of the image networks: a distance rounded to
        eight bits has no gradient to speak of.

        Args:
            features: of ``encode``.
            points: (B, N, 3), in space.
            inverse_distance: (B,), as for ``to_space``.
        """
        with _in_float32(points):
            seen = points
            if self.config.camera == "perspective":
                seen = seen_from_space(points, inverse_distance)
            sampled = sample_twice_differentiable(features.maps, seen)
            pixels = sample_twice_differentiable(features.pixels, seen)
            if self.config.has_depths:
                depths = self.config.depth_scale * points[..., 2:] - sampled[..., :2]
                sampled = torch.cat([depths, sampled[..., 2:]], -1)
            if self.config.paints:
                behind = sample_twice_differentiable(features.behind, seen)
                front = self._share_of_front(depths)
                pixels = front * pixels + (1 - front) * behind
            distance, albedo = self.point(sampled, points, pixels)
            if self.config.has_depths:
                distance = torch.maximum(distance, self._beyond(depths))
        return distance, albedo

    def _beyond(self, depths: torch.Tensor) -> torch.Tensor:
        """(B, N) how far points lie before the front or behind the back, less the slack.

        Nothing is there, by what front and back mean; asked seldom, a point network forgets it and
        limbs grow tails.

        Args:
            depths: (B, N, 2) of points, from the front and from the back, as features.
        """
        before, behind = depths[..., 0], -depths[..., 1]
        return torch.maximum(before, behind) / self.config.depth_scale - _SLACK

    def _share_of_front(self, depths: torch.Tensor) -> torch.Tensor:
        """(B, N, 1): 1 near the front, 0 near the back, half way between them a smooth step.

        Args:
            depths: (B, N, 2) of points, from the front and from the back, as features.
        """
        from_middle = depths.mean(-1, keepdim=True)
        thickness = depths[..., 1:] - depths[..., :1]
        thickness = thickness.clamp(min=_THINNEST * self.config.depth_scale)
        share = (0.5 + 2 * from_middle / thickness).clamp(0, 1)
        return share * share * (3 - 2 * share)

    def shade(self, normals: torch.Tensor, illumination: torch.Tensor) -> torch.Tensor:
        """Shading (B, N, 3) of unit normals (B, N, 3) under lights (B, L)."""
        with _in_float32(normals):
            shading: torch.Tensor = self.shading(normals.float(), illumination.float())
        return shading


def _in_float32(like: torch.Tensor) -> AbstractContextManager[object]:
    """Without autocast, which meta tensors do not have."""
    return nullcontext() if like.is_meta else torch.autocast(like.device.type, enabled=False)


def _light_head(config: PhorhumConfig) -> nn.Module:
    """From what is seen of the light to its code."""
    channels, code = config.trunk.widths[-1], config.shading.illumination
    if not config.reads_light:
        return nn.Linear(channels, code)
    width = 4 * code
    return nn.Sequential(
        nn.Linear(channels + FIT_CHANNELS, width), nn.SiLU(), nn.Linear(width, code)
    )
