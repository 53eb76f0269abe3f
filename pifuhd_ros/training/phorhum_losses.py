"""What PHORHUM learns from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from pifuhd_ros.networks.phorhum import PhorhumFeatures, PhorhumNetwork
from pifuhd_ros.networks.sampling import resize_map
from pifuhd_ros.training.config import PhorhumStageConfig
from pifuhd_ros.training.depth_targets import depths_at
from pifuhd_ros.training.phorhum_batches import WHOLE, PhorhumBatch, ball_normals
from pifuhd_ros.training.phorhum_rendering import rendering_losses

_FARTHEST = 0.1
"""Distances are taught up to this [model units]."""


@dataclass(frozen=True)
class SurfaceSamples:
    """Points on the front and on the back of people, N of each side."""

    points: torch.Tensor
    """(B, 2 N, 3) in space, those of the front first."""
    normals: torch.Tensor
    """(B, 2 N, 3)."""
    albedo: torch.Tensor
    """(B, 2 N, 3)."""
    photo: torch.Tensor
    """(B, N, 3) in [0, 1] the photo's colours of the front ones."""


def surface_samples(network: PhorhumNetwork, batch: PhorhumBatch) -> SurfaceSamples:
    """The surface in the batch's sampled pixels, in the space of the network's camera."""
    size = batch.mask.shape[-1]
    rows, columns = batch.pixels // size, batch.pixels % size
    x, y = columns / (size - 1) * 2 - 1, 1 - rows / (size - 1) * 2

    def at(maps: torch.Tensor) -> torch.Tensor:
        index = batch.pixels[:, None].expand(-1, maps.shape[1], -1)
        return maps.flatten(2).gather(2, index).transpose(1, 2)

    def both(maps: torch.Tensor) -> torch.Tensor:
        return torch.cat(at(maps).split(maps.shape[1] // 2, 2), 1)

    seen = torch.stack([x, y], -1).repeat(1, 2, 1)
    points = network.to_space(torch.cat([seen, both(batch.depth)], -1), batch.inverse_distance)
    return SurfaceSamples(
        points, both(batch.normals), both(batch.albedo), at(batch.image) / 2 + 0.5
    )


def with_true_depths(
    network: PhorhumNetwork, features: PhorhumFeatures, batch: PhorhumBatch
) -> PhorhumFeatures:
    """The features of views whose depths are known with these in place of the estimates."""
    own = features.maps[:, :2]
    true, seen = depths_at(batch.depth, batch.mask, own.shape[-1])
    known = seen & batch.knows_depth[:, None, None, None]
    return features.with_depths(torch.where(known, true * network.config.depth_scale, own))


def depth_loss(
    network: PhorhumNetwork, features: PhorhumFeatures, batch: PhorhumBatch
) -> torch.Tensor:
    """Mean absolute error of the depth features and of how they change from pixel to pixel."""
    own = features.maps[:, :2] / network.config.depth_scale
    true, seen = depths_at(batch.depth, batch.mask, own.shape[-1])
    weight = seen.float()
    error = (own - true) * weight
    loss = error.abs().sum() / weight.sum().clamp(min=1)
    across = (error[..., 1:] - error[..., :-1]).abs() * weight[..., 1:] * weight[..., :-1]
    down = (error[..., 1:, :] - error[..., :-1, :]).abs()
    down = down * weight[..., 1:, :] * weight[..., :-1, :]
    return loss + (across.sum() + down.sum()) / weight.sum().clamp(min=1)


def phorhum_losses(
    network: PhorhumNetwork, batch: PhorhumBatch, stage: PhorhumStageConfig
) -> dict[str, torch.Tensor]:
    """The loss terms by name, unweighted; those whose weights are 0 may be missing.

    Source: Alldieck et al., CVPR 2022, section 3; what goes beyond it says so in the config.
    """
    features = network.encode(batch.image, batch.joints)
    asked = features
    if network.config.has_depths:
        asked = with_true_depths(network, features, batch)
    on = surface_samples(network, batch)
    count, inverse = on.points.shape[1], batch.inverse_distance
    labelled = network.to_space(batch.points, inverse)
    sloped = max(1, round(stage.eikonal_share * labelled.shape[1]))

    place = torch.cat([on.points, labelled[:, :sloped]], 1).requires_grad_()
    distance, albedo = network.query(asked, place, inverse)
    (gradient,) = torch.autograd.grad(distance.sum(), place, create_graph=True)
    off = torch.cat([batch.off_surface] * 2, 1)[..., None]
    near = on.points + off * on.normals
    rest, near_albedo = network.query(asked, torch.cat([near, labelled[:, sloped:]], 1), inverse)
    answers = torch.cat([distance[:, count:], rest[:, count:]], 1)

    cosine = (F.normalize(gradient[:, :count], dim=-1) * on.normals).sum(-1)
    limit = _FARTHEST
    terms = {
        "surface": distance[:, :count].abs().mean(),
        "normal": (1 - cosine).mean(),
        "label": F.binary_cross_entropy_with_logits(
            -network.sharpness.exp() * answers, batch.inside
        ),
        "eikonal": (gradient.norm(dim=-1) - 1).square().mean(),
        "albedo": (albedo[:, :count] - on.albedo).abs().mean(),
        "near_albedo": (near_albedo[:, :count] - on.albedo).abs().mean(),
        "distance": (answers.clamp(-limit, limit) - batch.distance.clamp(-limit, limit))
        .abs()
        .mean(),
        "shaded": _shaded_loss(network, features, on),
        "light": light_error(network, features, batch),
    }
    if network.config.has_depths:
        terms["depth"] = depth_loss(network, features, batch)
    if network.config.paints:
        terms["painted"] = _painted_loss(features, batch)
    if stage.constancy_weight:
        relit = network.encode(batch.relit, batch.joints)
        terms["constancy"] = _constancy_loss(network, features, relit, batch, on.points)
        terms["light"] = (terms["light"] + _ball_error(network, relit, batch.relit_ball)) / 2
        if network.config.paints:
            terms["painted"] = (terms["painted"] + _painted_loss(relit, batch)) / 2
    if stage.patches:
        terms |= rendering_losses(network, asked, batch, stage)
    return terms


def _shaded_loss(
    network: PhorhumNetwork, features: PhorhumFeatures, on: SurfaceSamples
) -> torch.Tensor:
    """Of the front, its true albedo lit by the network against the photo."""
    count = on.photo.shape[1]
    shading = network.shade(on.normals[:, :count], features.illumination)
    return (on.albedo[:, :count] * shading - on.photo).abs().mean()


def _painted_loss(features: PhorhumFeatures, batch: PhorhumBatch) -> torch.Tensor:
    """Mean absolute error of the painted images where the person is."""
    weight = _person(batch)
    error = (_painted(features, batch.mask.shape[-1]) - batch.albedo).abs() * weight
    return error.sum() / (6 * weight.sum()).clamp(min=1)


def _constancy_loss(
    network: PhorhumNetwork,
    features: PhorhumFeatures,
    relit: PhorhumFeatures,
    batch: PhorhumBatch,
    on: torch.Tensor,
) -> torch.Tensor:
    """How much the albedo differs between two photos: on the surface, and the painted images.

    Args:
        network: That made the features.
        features: Of the one photo.
        relit: Of the other.
        batch: Its people.
        on: (B, N, 3) points of the surface, in space.
    """
    (_, one), (_, other) = (network.query(f, on, batch.inverse_distance) for f in (features, relit))
    loss = (one - other).abs().mean()
    if not network.config.paints:
        return loss
    weight = _person(batch)
    a, b = (_painted(f, batch.mask.shape[-1]) for f in (features, relit))
    return loss + ((a - b).abs() * weight).sum() / (6 * weight.sum()).clamp(min=1)


def _person(batch: PhorhumBatch) -> torch.Tensor:
    """(B, 1, S, S) 1 where a pixel shows nothing but the person."""
    return (batch.mask > WHOLE).float()


def _painted(features: PhorhumFeatures, size: int) -> torch.Tensor:
    """The albedo of front and back as the network paints it, (B, 6, size, size)."""
    return torch.cat([resize_map(m, size) for m in (features.pixels, features.behind)], 1)


def light_error(
    network: PhorhumNetwork, features: PhorhumFeatures, batch: PhorhumBatch
) -> torch.Tensor:
    """Mean absolute error of a white ball's shading in the light of the photo."""
    return _ball_error(network, features, batch.ball)


def _ball_error(
    network: PhorhumNetwork, features: PhorhumFeatures, ball: torch.Tensor
) -> torch.Tensor:
    normals = ball_normals(ball.device).expand(len(ball), -1, -1)
    return (network.shade(normals, features.illumination) - ball).abs().mean()


class PhorhumLosses(nn.Module):
    """A network with its losses as one module, which is what distributed training wraps."""

    def __init__(self, network: PhorhumNetwork, stage: PhorhumStageConfig) -> None:
        super().__init__()
        self.network = network
        self._stage = stage

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """Weighted loss terms by name, of the fields of a PhorhumBatch."""
        terms = phorhum_losses(self.network, PhorhumBatch(**batch), self._stage)
        weights = {name: float(getattr(self._stage, f"{name}_weight")) for name in terms}
        return {name: weights[name] * terms[name] for name in terms if weights[name] > 0}
