"""A skeleton as maps that an image network can read."""

from __future__ import annotations

from typing import NamedTuple

import torch

from pifuhd_ros.geometry.skeleton import BODY_PARTS, JOINTS, Bone

GUIDE_CHANNELS = 2 * len(BODY_PARTS) + 1
"""Presence and depth of each body part, and one depth for all."""

_DEPTH_SCALE = 4.0
"""Limbs lie some tenths of the box off the hips: brought to the size of other features."""
_SOFTNESS = 0.12
"""Distance over which the depths of bones mix in the map of all [model units]."""
_FAR = 1e4


class _BoneMaps(NamedTuple):
    distance: torch.Tensor
    """(B, S, S) half the squared distance of the pixel, in radii."""
    depth: torch.Tensor
    """(B, S, S) z of the bone's nearest place."""
    is_known: torch.Tensor
    """(B, 1, 1) 1 or 0."""


def draw_skeleton(joints: torch.Tensor, size: int) -> torch.Tensor:
    """The bones as soft capsules, and how deep they lie.

    Body parts have maps of their own, so one limb before another hides nothing, and left and right
    tell whether the person is seen from the front or from behind.

    Args:
        joints: (B, J, 4), see geometry/skeleton.py; a part with an unknown joint is not drawn.
        size: Side of the maps.

    Returns:
        (B, GUIDE_CHANNELS, size, size), zero where nothing is known.
    """
    if joints.dim() != 3 or joints.shape[1:] != (len(JOINTS), 4):
        raise ValueError(f"expected joints (B, {len(JOINTS)}, 4), got {tuple(joints.shape)}")
    known = (joints[..., 3:] > 0.5).to(joints.dtype)
    joints = torch.cat([joints[..., :3] * known, known], 2)
    steps = (torch.arange(size, device=joints.device, dtype=joints.dtype) + 0.5) / size * 2 - 1
    pixels = torch.stack(torch.meshgrid(steps, -steps, indexing="xy"), -1)
    maps, distances, depths = [], [], []
    for part in BODY_PARTS:
        bones = [_bone_maps(joints, bone, pixels) for bone in part]
        distance = torch.stack([bone.distance for bone in bones], 1)
        depth = torch.stack([bone.depth for bone in bones], 1)
        is_known = torch.stack([bone.is_known for bone in bones], 1).amin(1)
        presence = torch.exp(-distance.amin(1)) * is_known
        maps += [presence, presence * _mixed(distance, depth) * _DEPTH_SCALE]
        for (_, _, radius), bone in zip(part, bones, strict=True):
            distances.append(bone.distance * (radius / _SOFTNESS) ** 2 + _FAR * (1 - is_known))
            depths.append(bone.depth)
    everywhere = _mixed(torch.stack(distances, 1), torch.stack(depths, 1))
    maps.append(everywhere * known.amax(1, keepdim=True) * _DEPTH_SCALE)
    return torch.stack(maps, 1)


def _bone_maps(joints: torch.Tensor, bone: Bone, pixels: torch.Tensor) -> _BoneMaps:
    """Of the pixels (S, S, 2)."""
    begin, end = (
        torch.stack([joints[:, number] for number in numbers]).mean(0)[:, None, None]
        for numbers in (bone.begin, bone.end)
    )
    along = (end - begin)[..., :2]
    t = ((pixels - begin[..., :2]) * along).sum(-1) / along.square().sum(-1).clamp(min=1e-6)
    place = begin + t.clamp(0, 1)[..., None] * (end - begin)
    squared = (pixels - place[..., :2]).square().sum(-1)
    is_known = (torch.minimum(begin[..., 3], end[..., 3]) > 0.99).to(joints.dtype)
    return _BoneMaps(squared / (2 * bone.radius**2), place[..., 2], is_known)


def _mixed(distance: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """Depths (B, bones, S, S) of which the nearest counts most, (B, S, S)."""
    return (torch.softmax(-distance, 1) * depth).sum(1)
