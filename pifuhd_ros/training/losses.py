"""What the networks learn from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from pifuhd_ros.networks.pifuhd import PifuhdNetwork
from pifuhd_ros.networks.sampling import sample_features
from pifuhd_ros.training.batches import Batch
from pifuhd_ros.training.depth_targets import depths_at

_DEPTH_WEIGHT = 3.0
_SLOPE_WEIGHT = 0.15
_STEEPEST = 3.0
"""Beyond this slope of z over x or y lies another limb, or the outline."""


@dataclass(frozen=True)
class Outputs:
    """What the networks say of a batch."""

    front: torch.Tensor
    """(B, 3, s, s)."""
    back: torch.Tensor
    """(B, 3, s, s)."""
    depth: torch.Tensor | None
    """(B, 2, S, S) z of the front and the back: the first two coarse features, drawn up."""
    coarse: torch.Tensor | None
    """(B, N) logits."""
    fine: torch.Tensor | None
    """(B, N) logits."""


def run_levels(
    network: PifuhdNetwork, batch: Batch, levels: tuple[str, ...], true_depth: bool = False
) -> Outputs:
    """Runs the networks up to the last level that learns, gradients only in those that learn.

    Each level sees the predictions of the one before it, as it will in use, not the truth.

    Args:
        network: To run.
        batch: What it sees.
        levels: That learn.
        true_depth: Points are asked with the true depths of front and back in place of the
            features that estimate them, as training does: see ``compute_losses``.
    """
    with torch.set_grad_enabled(torch.is_grad_enabled() and "normals" in levels):
        front, back = network.estimate_normals(batch.image)
    coarse = depth = fine = None
    if "coarse" in levels or "fine" in levels:
        with torch.set_grad_enabled(torch.is_grad_enabled() and "coarse" in levels):
            features = network.encode_coarse(
                batch.image, front.detach(), back.detach(), batch.joints
            )
            own = features[:, :2].float() / network.config.depth_scale
            depth = network.draw_coarse(own)
            asked = depth
            if true_depth:
                known, seen = depths_at(batch.depth, batch.mask, own.shape[-1])
                asked = network.draw_coarse(torch.where(seen, known, own))
            samples = torch.cat(
                [
                    sample_features(asked * network.config.depth_scale, batch.points),
                    sample_features(features[:, 2:], batch.points),
                ],
                2,
            )
            coarse, phi = network.query_coarse_at(samples, batch.points[..., 2:])
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


def depth_error(depth: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Sum of the mean absolute errors of front and back z over the person."""
    true, seen = depths_at(batch.depth, batch.mask, depth.shape[-1])
    error = (depth - true).abs().sum(1, keepdim=True) * seen
    return error.sum() / seen.sum().clamp(min=1)


def slope_error(depth: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean absolute error of the slopes of front and back z over the person."""
    true, seen = depths_at(batch.depth, batch.mask, depth.shape[-1])
    pixel = 2 / depth.shape[-1]
    total, count = depth.new_zeros(()), depth.new_zeros(())
    for axis in (2, 3):
        true_slope = true.diff(dim=axis) / pixel
        length = true_slope.shape[axis]
        both = seen.narrow(axis, 0, length) & seen.narrow(axis, 1, length)
        weight = (both & (true_slope.abs() < _STEEPEST)).to(depth.dtype)
        total = total + ((depth.diff(dim=axis) / pixel - true_slope).abs() * weight).sum()
        count = count + weight.sum()
    return total / count.clamp(min=1)


def _occupancy_loss(
    logits: torch.Tensor, inside: torch.Tensor, balance_sides: bool
) -> torch.Tensor:
    """Mean cross entropy; balanced: the rarer side weighs more (the paper's λ)."""
    weight = torch.ones_like(inside)
    if balance_sides:
        outside_share = 1 - inside.mean()
        weight = torch.where(inside > 0.5, outside_share, 1 - outside_share)
    each = F.binary_cross_entropy_with_logits(logits.float(), inside, reduction="none")
    return (each * weight).sum() / weight.sum().clamp(min=1e-6)


def compute_losses(
    outputs: Outputs, batch: Batch, levels: tuple[str, ...], balance_sides: bool = False
) -> dict[str, torch.Tensor]:
    """The loss terms, by name, of the levels that learn.

    Normals by L1, occupancy by cross entropy (PIFuHD, CVPR 2020, section 3).

    Beyond the paper, the first two coarse features are taught where the front and the back are:
    where a whole body leans is learned from every pixel instead of from its points alone, and so
    is how the surface slopes. And the
    points are asked with the true depths in these features, so that they learn the shape around a
    depth that is known. Asked with a depth that is not, the likeliest answer for every point of a
    thin limb is outside, and the limb is lost; so it is where the depth is estimated to be. Figures
    of both are in docs/training-log.md.

    The levels share no gradients, so their terms need no weights.
    """
    seen = (batch.mask > 0.5).float()
    terms: dict[str, torch.Tensor] = {}
    if "normals" in levels:
        terms["normals"] = _normal_loss(outputs.front, batch.front, seen) + _normal_loss(
            outputs.back, batch.back, seen
        )
    for level, logits in (("coarse", outputs.coarse), ("fine", outputs.fine)):
        if level in levels and logits is not None:
            terms[level] = _occupancy_loss(logits, batch.inside, balance_sides)
    if "coarse" in levels and outputs.depth is not None:
        terms["depth"] = _DEPTH_WEIGHT * depth_error(outputs.depth, batch)
        terms["slope"] = _SLOPE_WEIGHT * slope_error(outputs.depth, batch)
    return terms


class LevelLosses(nn.Module):
    """A network with its losses as one module, which is what distributed training wraps."""

    def __init__(
        self, network: PifuhdNetwork, levels: tuple[str, ...], balance_sides: bool
    ) -> None:
        super().__init__()
        self.network = network
        self._levels = levels
        self._balance_sides = balance_sides

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """Loss terms by name, of the fields of a Batch."""
        named = Batch(**batch)
        outputs = run_levels(self.network, named, self._levels, true_depth=True)
        return compute_losses(outputs, named, self._levels, self._balance_sides)
