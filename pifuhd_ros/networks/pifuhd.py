"""PIFuHD: normal maps, a coarse level that sees the whole body, a fine level that adds detail."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.networks.global_generator import GlobalGenerator, GlobalGeneratorConfig
from pifuhd_ros.networks.hourglass import HourglassConfig, HourglassFilter
from pifuhd_ros.networks.point_mlp import PointMlp, PointMlpConfig
from pifuhd_ros.networks.sampling import resize_map, sample_features, shrink_image, smooth_map
from pifuhd_ros.networks.shuffle_unet import ShuffleUNet, ShuffleUNetConfig
from pifuhd_ros.networks.skeleton_guide import GUIDE_CHANNELS, draw_skeleton

_IMAGE_CHANNELS = 9  # RGB, front normal, back normal


@dataclass(frozen=True)
class PifuhdConfig:
    """Sizes of a PifuhdNetwork."""

    name: str
    """What a user calls this network."""
    fine_size: int
    """Side of the crop [px] that the fine level sees."""
    coarse_size: int
    """Side of the crop [px] that the normal networks and the coarse level see."""
    normals: GlobalGeneratorConfig | ShuffleUNetConfig
    """The normal networks: one generator for each side, or one U-Net for both (6 channels out)."""
    coarse_filter: HourglassConfig | ShuffleUNetConfig
    """Image features of the coarse level; a U-Net with guide channels sees the skeleton, too."""
    fine_filter: HourglassConfig | ShuffleUNetConfig
    """Image features of the fine level."""
    coarse_mlp: PointMlpConfig
    """Coarse features and depth to a logit, and to the phi that the fine level starts from."""
    fine_mlp: PointMlpConfig
    """Fine features and the coarse level's phi to a logit."""
    depth_scale: float = 1.28
    """The depth feature is depth_scale · z."""

    def __post_init__(self) -> None:
        if self.coarse_size < 1 or self.fine_size % self.coarse_size:
            raise ValueError(
                f"coarse_size {self.coarse_size} does not divide fine_size {self.fine_size}"
            )
        if self.coarse_mlp.phi_layer is None:
            raise ValueError("coarse_mlp.phi_layer names the features for the fine level: not None")
        sides = 1 if isinstance(self.normals, GlobalGeneratorConfig) else 2
        coarse_in = self.coarse_filter.out_channels + 1
        fine_in = (
            self.fine_filter.out_channels + self.coarse_mlp.channels[self.coarse_mlp.phi_layer + 1]
        )
        for what, got, expected in (
            ("normals.in_channels", self.normals.in_channels, 3),
            ("normals.out_channels", self.normals.out_channels, 3 * sides),
            ("coarse_filter.in_channels", self.coarse_filter.in_channels, _IMAGE_CHANNELS),
            ("fine_filter.in_channels", self.fine_filter.in_channels, _IMAGE_CHANNELS),
            ("coarse_mlp.channels[0]", self.coarse_mlp.channels[0], coarse_in),
            ("fine_mlp.channels[0]", self.fine_mlp.channels[0], fine_in),
        ):
            if got != expected:
                raise ValueError(f"{what} is {got}, the other sizes ask for {expected}")
        for what, part, allowed in (
            ("normals", self.normals, (0,)),
            ("coarse_filter", self.coarse_filter, (0, GUIDE_CHANNELS)),
            ("fine_filter", self.fine_filter, (0,)),
        ):
            if isinstance(part, ShuffleUNetConfig) and part.guide_channels not in allowed:
                raise ValueError(
                    f"{what}.guide_channels is {part.guide_channels}, "
                    f"allowed: {' or '.join(map(str, allowed))}"
                )


PUBLISHED = PifuhdConfig(
    name="pifuhd",
    fine_size=1024,
    coarse_size=512,
    normals=GlobalGeneratorConfig(),
    coarse_filter=HourglassConfig(
        in_channels=9, out_channels=256, stacks=4, depth=2, downsampling="average"
    ),
    fine_filter=HourglassConfig(
        in_channels=9, out_channels=16, stacks=1, depth=4, downsampling="none"
    ),
    coarse_mlp=PointMlpConfig(channels=(257, 1024, 512, 256, 128, 1), skips=(2, 3, 4), phi_layer=2),
    fine_mlp=PointMlpConfig(channels=(272, 512, 256, 128, 1), skips=(1, 2)),
)
"""The network of Saito et al., CVPR 2020."""

LITE = PifuhdConfig(
    name="pifuhd-lite",
    fine_size=512,
    coarse_size=256,
    normals=ShuffleUNetConfig(
        in_channels=3, out_channels=6, widths=(64, 96, 128, 160), blocks=(1, 2, 2, 1)
    ),
    coarse_filter=ShuffleUNetConfig(
        in_channels=9,
        out_channels=64,
        out_stride=4,
        widths=(64, 96, 128, 160),
        blocks=(1, 2, 2, 1),
        guide_channels=GUIDE_CHANNELS,
    ),
    fine_filter=ShuffleUNetConfig(
        in_channels=9, out_channels=16, out_stride=2, widths=(48, 64, 96), blocks=(1, 1, 1)
    ),
    coarse_mlp=PointMlpConfig(channels=(65, 192, 192, 128, 64, 1), skips=(2, 3, 4), phi_layer=2),
    fine_mlp=PointMlpConfig(channels=(144, 96, 64, 32, 1), skips=(1, 2)),
    # Depths of a body span a tenth of the box: brought to the size of the other features.
    depth_scale=5.0,
)
"""Our own small network, for two CPU cores."""


class _CoarseLevel(nn.Module):
    """The coarse level and the normal networks."""

    def __init__(self, config: PifuhdConfig) -> None:
        super().__init__()
        self.image_filter = _image_filter(config.coarse_filter)
        self.mlp = PointMlp(config.coarse_mlp)
        if isinstance(config.normals, GlobalGeneratorConfig):
            self.netF = GlobalGenerator(config.normals)
            self.netB = GlobalGenerator(config.normals)
        else:
            self.normals = ShuffleUNet(config.normals)


class PifuhdNetwork(nn.Module):
    """Normal maps, coarse and fine image features, and the logits of points.

    Images are RGB in [-1, 1] at ``config.fine_size`` px; the network averages them down itself
    where a part works at ``config.coarse_size`` px, and takes them as they are when they come at
    that size. Every method can be differentiated and stores nothing.

    Module names are those of the published checkpoint: netG is the coarse level with the normal
    networks netF (front) and netB (back).

    Source: Saito et al., PIFuHD: Multi-Level Pixel-Aligned Implicit Function for High-Resolution
    3D Human Digitization, CVPR 2020.
    """

    def __init__(self, config: PifuhdConfig) -> None:
        super().__init__()
        self.config = config
        self.image_filter = _image_filter(config.fine_filter)
        self.mlp = PointMlp(config.fine_mlp)
        self.netG = _CoarseLevel(config)

    def estimate_normals(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Front and back normal maps, both pixel-aligned with the image.

        Args:
            image: (B, 3, S, S) in [-1, 1], S = fine_size or coarse_size.

        Returns:
            Front, back: (B, 3, coarse_size, coarse_size), model space. The U-Net's are unit
            vectors, the generators' are as they come, as the published levels expect them.
        """
        small = self._coarse_image(image)
        if isinstance(self.config.normals, GlobalGeneratorConfig):
            return self.netG.netF(small), self.netG.netB(small)
        front, back = self.netG.normals(small).chunk(2, dim=1)
        return unit(front, 1), unit(back, 1)

    def encode_coarse(
        self,
        image: torch.Tensor,
        front: torch.Tensor,
        back: torch.Tensor,
        joints: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Image features of the coarse level.

        Args:
            image: (B, 3, S, S) in [-1, 1], S = fine_size or coarse_size.
            front, back: (B, 3, coarse_size, coarse_size), as estimate_normals gives them.
            joints: (B, J, 4) skeletons, see geometry/skeleton.py, zero where not known; networks
                without guide channels do not look at them. None: nothing is known.

        Returns:
            (B, C, coarse_size / k, coarse_size / k).
        """
        self._check_normals(front, back)
        seen = torch.cat([self._coarse_image(image), front, back], 1)
        features: torch.Tensor
        config = self.config.coarse_filter
        if isinstance(config, ShuffleUNetConfig) and config.guide_channels:
            if joints is None:
                joints = image.new_zeros(len(image), len(JOINTS), 4)
            guide = draw_skeleton(joints, self.config.coarse_size // config.stem_stride)
            features = self.netG.image_filter(seen, guide)
        else:
            features = self.netG.image_filter(seen)
        return features

    def encode_fine(
        self, image: torch.Tensor, front: torch.Tensor, back: torch.Tensor
    ) -> torch.Tensor:
        """Image features of the fine level.

        Args:
            image: (B, 3, fine_size, fine_size) in [-1, 1].
            front, back: (B, 3, coarse_size, coarse_size), as estimate_normals gives them.

        Returns:
            (B, C, fine_size / k, fine_size / k).
        """
        size = self.config.fine_size
        _check_image(image, (size,))
        self._check_normals(front, back)
        normals = resize_map(torch.cat([front, back], 1), size)
        features: torch.Tensor = self.image_filter(torch.cat([image, normals], 1))
        return features

    def draw_coarse(self, features: torch.Tensor) -> torch.Tensor:
        """Coarse features as a surface is read from them.

        Those of our U-Net are depths, above all: between pixels of 3 cm bilinear samples of them
        would show as facets, so they are drawn up to ``coarse_size`` by splines.

        Args:
            features: (B, any, h, w), all or some channels from encode_coarse.
        """
        if isinstance(self.config.coarse_filter, ShuffleUNetConfig):
            return smooth_map(features, self.config.coarse_size)
        return features

    def query_coarse(
        self, features: torch.Tensor, points: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Coarse logits of points.

        Args:
            features: (B, C, h, w) from encode_coarse.
            points: (B, N, 3), model space.

        Returns:
            Logits (B, N) (occupancy = sigmoid), and phi (B, C, N) for query_fine.
        """
        return self.query_coarse_at(sample_features(features, points), points[..., 2:])

    def query_coarse_at(
        self, samples: torch.Tensor, z: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Coarse logits of points whose features are known.

        Args:
            samples: (B, N, C) coarse features where the points project to.
            z: (B, N, 1) of the points, model space.

        Returns:
            As ``query_coarse``.
        """
        depth = z * self.config.depth_scale
        logits, phi = self.netG.mlp(torch.cat([samples, depth.to(samples.dtype)], 2))
        return logits, phi.transpose(1, 2)

    def query_fine(
        self, features: torch.Tensor, phi: torch.Tensor, points: torch.Tensor
    ) -> torch.Tensor:
        """Fine logits (B, N) of points.

        Args:
            features: (B, C, h, w) from encode_fine.
            phi: (B, C, N) from query_coarse at the same points.
            points: (B, N, 3), model space.
        """
        sampled = torch.cat([sample_features(features, points), phi.transpose(1, 2)], 2)
        logits: torch.Tensor = self.mlp(sampled)[0]
        return logits

    def _coarse_image(self, image: torch.Tensor) -> torch.Tensor:
        _check_image(image, (self.config.fine_size, self.config.coarse_size))
        return shrink_image(image, self.config.coarse_size)

    def _check_normals(self, front: torch.Tensor, back: torch.Tensor) -> None:
        for normals in (front, back):
            _check_image(normals, (self.config.coarse_size,))


def _image_filter(config: HourglassConfig | ShuffleUNetConfig) -> nn.Module:
    if isinstance(config, HourglassConfig):
        return HourglassFilter(config)
    return ShuffleUNet(config)


def _check_image(image: torch.Tensor, sizes: tuple[int, ...]) -> None:
    if image.dim() != 4 or tuple(image.shape[1:]) not in [(3, size, size) for size in sizes]:
        expected = " or ".join(f"(B, 3, {size}, {size})" for size in sizes)
        raise ValueError(f"expected {expected}, got {tuple(image.shape)}")
