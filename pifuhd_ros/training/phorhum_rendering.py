"""Patches of a PHORHUM field, rendered and compared with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from pifuhd_ros.networks.phorhum import PhorhumFeatures, PhorhumNetwork
from pifuhd_ros.training.config import PhorhumStageConfig
from pifuhd_ros.training.phorhum_batches import WHOLE, PhorhumBatch
from pifuhd_ros.training.sphere_tracing import meet_surface, trace_rays

START = 0.9
"""Rays that meet nobody begin at this |z|."""
_BEFORE = 0.2
"""Rays that meet somebody begin so far before the true surface [model units]. Begun farther off,
many would not come near it, and the silhouette would call for a surface wherever they ended."""
_SCALES = (1, 2, 4)


@dataclass(frozen=True)
class Rays:
    """Through pixels."""

    origins: torch.Tensor
    """(B, N, 3) in space."""
    directions: torch.Tensor
    """(B, N, 3) unit."""
    reach: torch.Tensor
    """(B, N)."""


def rendering_losses(
    network: PhorhumNetwork,
    features: PhorhumFeatures,
    batch: PhorhumBatch,
    stage: PhorhumStageConfig,
) -> dict[str, torch.Tensor]:
    """The losses of rendered patches by name, unweighted.

    Front and back are ray-traced by sphere tracing; where a ray hits and the truth has a surface,
    albedo and, in front, the colour in the light of the photo are compared, by pixel and by patch.
    The silhouette is taught by the other rays: those that hit nobody and should, or should not.

    Source: Alldieck et al., CVPR 2022, section 3.2; the silhouette as in Yariv et al., NeurIPS
    2020, equation 7.
    """
    rows, columns = _patch_pixels(batch, stage.patch_px)
    cut = _Cut(rows, columns)
    mask = cut(batch.mask)[..., 0]
    photo = cut(batch.image) / 2 + 0.5
    albedo, depth = cut(batch.albedo), cut(batch.depth)
    size = batch.mask.shape[-1]
    x, y = columns / (size - 1) * 2 - 1, 1 - rows / (size - 1) * 2
    terms: dict[str, list[torch.Tensor]] = {
        name: [] for name in ("silhouette", "rendered_albedo", "rendered_shaded", "patch")
    }
    for side, sign in ((0, 1), (1, -1)):
        before = (sign * depth[..., side] + _BEFORE).clamp(max=START)
        begin = sign * torch.where(mask > WHOLE, before, START)
        rays = rays_through(network, x, y, begin, -sign * START, batch.inverse_distance)
        found = trace_rays(
            lambda p: network.query(features, p, batch.inverse_distance)[0],
            rays.origins,
            rays.directions,
            rays.reach,
            stage.trace_steps,
        )
        nearest, _ = network.query(features, found.closest, batch.inverse_distance)
        logits = -network.sharpness.exp() * nearest
        is_met = found.hit & (mask > WHOLE)
        each = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
        terms["silhouette"].append((each * ~is_met).mean())

        place = found.end.requires_grad_()
        distance, _ = network.query(features, place, batch.inverse_distance)
        (gradient,) = torch.autograd.grad(distance.sum(), place, create_graph=True)
        surface = meet_surface(place.detach(), rays.directions, distance, gradient)
        _, colours = network.query(features, surface, batch.inverse_distance)
        valid = is_met.float()[..., None]
        true = albedo[..., 3 * side : 3 * side + 3]
        terms["rendered_albedo"].append(_mean_error(colours, true, valid))
        terms["patch"].append(_patch_error(colours, true, valid, stage.patch_px))
        if side == 0:
            normals = F.normalize(gradient, dim=-1)
            lit = colours * network.shade(normals, features.illumination)
            terms["rendered_shaded"].append(_mean_error(lit, photo, valid))
            terms["patch"].append(_patch_error(lit, photo, valid, stage.patch_px))
    return {name: torch.stack(values).mean() for name, values in terms.items()}


def _patch_pixels(batch: PhorhumBatch, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns (B, P · side · side) of the patches' pixels."""
    step = torch.arange(side, device=batch.patches.device)
    rows = batch.patches[..., 0, None, None] + step[:, None]
    columns = batch.patches[..., 1, None, None] + step
    rows, columns = torch.broadcast_tensors(rows, columns)
    return rows.flatten(1), columns.flatten(1)


@dataclass(frozen=True)
class _Cut:
    """Reads maps at pixels."""

    rows: torch.Tensor
    columns: torch.Tensor

    def __call__(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, N, C) of maps (B, C, S, S)."""
        flat = maps.flatten(2).transpose(1, 2)
        index = self.rows * maps.shape[-1] + self.columns
        return flat.gather(1, index[..., None].expand(-1, -1, maps.shape[1]))


def rays_through(
    network: PhorhumNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    begin_z: torch.Tensor,
    end_z: float,
    inverse_distance: torch.Tensor,
) -> Rays:
    """Through all that is seen in pixels x, y (B, N) of the box, from begin_z (B, N) to end_z."""
    begin = network.to_space(torch.stack([x, y, begin_z], -1), inverse_distance)
    end_seen = torch.stack([x, y, torch.full_like(x, end_z)], -1)
    end = network.to_space(end_seen, inverse_distance)
    reach = (end - begin).norm(dim=-1)
    return Rays(begin, (end - begin) / reach[..., None], reach)


def _mean_error(rendered: torch.Tensor, true: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    return ((rendered - true).abs() * valid).sum() / (3 * valid.sum()).clamp(min=1)


def _patch_error(
    rendered: torch.Tensor, true: torch.Tensor, valid: torch.Tensor, side: int
) -> torch.Tensor:
    """Mean absolute error of the differences between neighbours, averaged over scales.

    Args:
        rendered: (B, P · side · side, 3).
        true: The same.
        valid: (B, P · side · side, 1), 1 where both are known.
        side: Of the patches.
    """

    def images(values: torch.Tensor) -> torch.Tensor:
        return values.view(-1, side, side, values.shape[-1]).permute(0, 3, 1, 2)

    known, error = images(valid), images((rendered - true) * valid)
    total = error.new_zeros(())
    used = [scale for scale in _SCALES if side >= 2 * scale]
    for scale in used:
        # Only blocks that are known as a whole count.
        shown = (F.avg_pool2d(known, scale) > 0.999).float()
        pooled = F.avg_pool2d(error, scale)
        for dim in (2, 3):
            first, second = (slice(None, -1), slice(1, None))
            both = _part(shown, dim, first) * _part(shown, dim, second)
            change = (_part(pooled, dim, second) - _part(pooled, dim, first)).abs() * both
            total = total + change.sum() / (3 * both.sum()).clamp(min=1)
    return total / (2 * max(1, len(used)))


def _part(images: torch.Tensor, dim: int, part: slice) -> torch.Tensor:
    return images[:, :, part] if dim == 2 else images[:, :, :, part]
