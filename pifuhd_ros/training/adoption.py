"""PHORHUM's feature extractor from the trained coarse level of PIFuHD."""

from __future__ import annotations

import torch

from pifuhd_ros.networks.phorhum import PhorhumNetwork
from pifuhd_ros.networks.pifuhd import PifuhdNetwork
from pifuhd_ros.networks.shuffle_unet import ShuffleUNet
from pifuhd_ros.types import WeightsError

_COLORS = 3


@torch.no_grad()
def adopt_trunk(network: PhorhumNetwork, teacher: PifuhdNetwork) -> None:
    """Gives the extractor, in place, what the coarse level knows of bodies.

    Both are U-Nets of one shape. The extractor does not see normal maps: the stem's weights for
    these are left behind. The coarse level's features are fewer to a side: each of the extractor's
    pixels takes those of the pixel that it lies in, as many as it has. What it paints
    begins with zeros.

    Args:
        network: To start training from; its feature extractor is replaced.
        teacher: Whose coarse level is taken.

    Raises:
        WeightsError: The two are not of one shape.
    """
    trunk, own = network.trunk, teacher.netG.image_filter
    if not isinstance(own, ShuffleUNet):
        raise WeightsError("only a PIFuHD whose coarse level is a U-Net can be started from")
    theirs: dict[str, torch.Tensor] = dict(own.named_parameters())
    folded = own.config.stem_stride**2
    stem = theirs["stem.weight"]
    theirs["stem.weight"] = torch.cat(
        [stem[:, : _COLORS * folded], stem[:, own.config.in_channels * folded :]], 1
    )
    finer = (own.config.out_stride // trunk.config.out_stride) ** 2
    features = network.config.features

    def cut(weight: torch.Tensor) -> torch.Tensor:
        painted = weight.new_zeros(trunk.config.out_channels - features, *weight.shape[1:])
        return torch.cat([weight[:features], painted])

    for name in ("head.weight", "head.bias"):
        theirs[name] = cut(theirs[name]).repeat_interleave(finer, 0)
    if "guide_head.weight" in theirs:
        theirs["guide_head.weight"] = cut(theirs["guide_head.weight"])
    mine = dict(trunk.named_parameters())
    if {k: v.shape for k, v in theirs.items()} != {k: v.shape for k, v in mine.items()}:
        raise WeightsError(
            "the PIFuHD to start from has a coarse level of another shape than this network's trunk"
        )
    for name, weight in mine.items():
        weight.copy_(theirs[name])
