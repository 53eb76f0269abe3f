"""Our image networks asked about an image and about its mirror image: the mean of both answers.

A person in a mirror is a person, but the networks' errors are not mirrored with it. On a hundred
held-out people the mean brings chamfer from 3.06 to 3.03 cm, normal consistency from 0.707 to
0.711 and the normal maps from 17.5 to 17.2 degrees. The published networks are asked once, as
published: they take most of a reconstruction's time, ours a tenth.
"""

from __future__ import annotations

import torch

from pifuhd_ros.geometry.skeleton import mirrored
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.networks.pifuhd import PifuhdNetwork
from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig


def mean_normals(network: PifuhdNetwork, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``PifuhdNetwork.estimate_normals`` for images (B, 3, S, S)."""
    if not isinstance(network.config.normals, ShuffleUNetConfig):
        return network.estimate_normals(image)
    front, back = network.estimate_normals(torch.cat([image, image.flip(3)]))
    return _mean_vectors(front), _mean_vectors(back)


def mean_coarse(
    network: PifuhdNetwork,
    image: torch.Tensor,
    front: torch.Tensor,
    back: torch.Tensor,
    joints: torch.Tensor,
) -> torch.Tensor:
    """``PifuhdNetwork.encode_coarse`` for images (B, 3, S, S) and skeletons (B, J, 4)."""
    if not isinstance(network.config.coarse_filter, ShuffleUNetConfig):
        return network.encode_coarse(image, front, back, joints)
    features = network.encode_coarse(
        torch.cat([image, image.flip(3)]),
        torch.cat([front, _mirrored_vectors(front)]),
        torch.cat([back, _mirrored_vectors(back)]),
        torch.cat([joints, mirrored(joints)]),
    )
    own, other = features.chunk(2)
    return (own + other.flip(3)) / 2


def _mean_vectors(maps: torch.Tensor) -> torch.Tensor:
    """Unit vectors (B, 3, S, S) of maps (2B, 3, S, S) of images and then their mirror images."""
    own, other = maps.float().chunk(2)
    return unit(own + _mirrored_vectors(other), 1)


def _mirrored_vectors(maps: torch.Tensor) -> torch.Tensor:
    """Maps (B, 3, S, S) of vectors in a mirror."""
    turned = maps.flip(3)
    return torch.cat([-turned[:, :1], turned[:, 1:]], 1)
