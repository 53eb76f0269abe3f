"""What the networks learn from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from pifuhd_ros.networks.pifuhd import PifuhdNetwork
from pifuhd_ros.training.batches import Batch
from pifuhd_ros.training.config import Level

_DEPTH_WEIGHT = 3.0


@dataclass(frozen=True)
class Losses:
    """Loss terms of one batch; None where the level does not learn."""

    normals: torch.Tensor | None
    coarse: torch.Tensor | None
    depth: torch.Tensor | None
    fine: torch.Tensor | None

    def total(self) -> torch.Tensor:
        """The sum of what learns; the levels share no gradients, so no weights are needed."""
        terms = [t for t in (self.normals, self.coarse, self.depth, self.fine) if t is not None]
        return torch.stack(terms).sum()


@dataclass(frozen=True)
class Outputs:
    """What the networks say of a batch."""

    front: torch.Tensor
    """(B, 3, s, s)."""
    back: torch.Tensor
    """(B, 3, s, s)."""
    depth: torch.Tensor | None
    """(B, 2, h, w) the first two coarse features: depth_scale · z of the front and the back."""
    coarse: torch.Tensor | None
    """(B, N) logits."""
    fine: torch.Tensor | None
    """(B, N) logits."""


def run_levels(network: PifuhdNetwork, batch: Batch, levels: tuple[Level, ...]) -> Outputs:
    """Runs the networks up to the last level that learns, gradients only in those that learn.

    Each level sees the predictions of the one before it, as it will in use, not the truth.
    """
    with torch.set_grad_enabled(torch.is_grad_enabled() and "normals" in levels):
        front, back = network.estimate_normals(batch.image)
    coarse = depth = fine = None
    if "coarse" in levels or "fine" in levels:
        with torch.set_grad_enabled(torch.is_grad_enabled() and "coarse" in levels):
            features = network.encode_coarse(batch.image, front.detach(), back.detach())
            coarse, phi = network.query_coarse(features, batch.points)
            depth = features[:, :2] / network.config.depth_scale
        if "fine" in levels:
            features = network.encode_fine(batch.image, front.detach(), back.detach())
            fine = network.query_fine(features, phi.detach(), batch.points)
    return Outputs(front, back, depth, coarse, fine)


def _normal_loss(predicted: torch.Tensor, true: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference plus one minus the cosine, over the person."""
    weight = mask / mask.sum().clamp(min=1)
    cosine = (predicted * true).sum(1, keepdim=True)
    difference = (predicted - true).abs().sum(1, keepdim=True)
    return ((difference + 1 - cosine) * weight).sum()


def depth_error(predicted: torch.Tensor, true: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Sum of the mean absolute errors of front and back z over the person (``seen``)."""
    stride = true.shape[-1] // predicted.shape[-1]
    weight = F.avg_pool2d(seen, stride)
    # Averages over the person's part of each feature's pixels.
    target = F.avg_pool2d(true * seen, stride) / weight.clamp(min=1e-3)
    weight = (weight > 0.5).float()
    return ((predicted - target).abs().sum(1, keepdim=True) * weight).sum() / weight.sum().clamp(
        min=1
    )


def compute_losses(outputs: Outputs, batch: Batch, levels: tuple[Level, ...]) -> Losses:
    """Loss terms: normals by L1, occupancy by cross entropy (PIFuHD, CVPR 2020, section 3).

    Beyond the paper, the first two coarse features are taught where the front and the back are:
    where a whole body leans is learned from every pixel instead of from its points alone.
    """
    seen = (batch.mask > 0.5).float()
    normals = _normal_loss(outputs.front, batch.front, seen) + _normal_loss(
        outputs.back, batch.back, seen
    )

    def occupancy(logits: torch.Tensor | None) -> torch.Tensor | None:
        if logits is None:
            return None
        each = F.binary_cross_entropy_with_logits(logits, batch.inside, reduction="none")
        return (each * batch.weight).sum() / batch.weight.sum()

    return Losses(
        normals=normals if "normals" in levels else None,
        coarse=occupancy(outputs.coarse) if "coarse" in levels else None,
        depth=None
        if outputs.depth is None or "coarse" not in levels
        else _DEPTH_WEIGHT * depth_error(outputs.depth, batch.depth, seen),
        fine=occupancy(outputs.fine) if "fine" in levels else None,
    )
