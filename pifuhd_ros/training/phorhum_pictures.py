"""What PHORHUM makes of a few validation people, as pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from pifuhd_ros.networks.phorhum import PhorhumFeatures, PhorhumNetwork
from pifuhd_ros.training.phorhum_batches import PhorhumBatch
from pifuhd_ros.training.phorhum_rendering import START, rays_through
from pifuhd_ros.training.sphere_tracing import trace_rays

PEOPLE = 4
SIZE = 64
_STEPS = 30


@dataclass(frozen=True)
class _Side:
    """Images (B, 3, SIZE, SIZE) in [0, 1], black where rays miss."""

    albedo: torch.Tensor
    shaded: torch.Tensor
    normals: torch.Tensor


def draw_phorhum(network: PhorhumNetwork, batch: PhorhumBatch) -> dict[str, torch.Tensor]:
    """Pictures by title, each (3, H, W) in [0, 1]: a row a person.

    "albedo": photo, lit albedo, front albedo and its truth, back albedo and its truth. "normals":
    front and its truth, back and its truth. Black where rays miss.
    """
    few = PhorhumBatch(**{name: value[:PEOPLE] for name, value in vars(batch).items()})
    with torch.no_grad():
        features = network.encode(few.image, few.joints)
    front, back = (_render(network, features, few, start) for start in (START, -START))

    def small(maps: torch.Tensor) -> torch.Tensor:
        return F.interpolate(maps, size=SIZE, mode="area")

    true_albedo = small(few.albedo).split(3, 1)
    true_normals = (small(few.normals) / 2 + 0.5) * (small(few.mask) > 0.5)
    pictures = {
        "albedo": [
            small(few.image / 2 + 0.5),
            *(front.shaded, front.albedo, true_albedo[0], back.albedo, true_albedo[1]),
        ],
        "normals": [front.normals, true_normals[:, :3], back.normals, true_normals[:, 3:]],
    }
    return {title: _rows(columns).cpu() for title, columns in pictures.items()}


def _render(
    network: PhorhumNetwork, features: PhorhumFeatures, batch: PhorhumBatch, start: float
) -> _Side:
    inverse = batch.inverse_distance
    axis = torch.linspace(-1, 1, SIZE, device=inverse.device)
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    x, y = (values.reshape(1, -1).expand(len(inverse), -1) for values in (x, y))
    rays = rays_through(network, x, y, torch.full_like(x, start), -start, inverse)
    found = trace_rays(
        lambda p: network.query(features, p, inverse)[0],
        rays.origins,
        rays.directions,
        rays.reach,
        _STEPS,
    )
    with torch.enable_grad():
        place = found.end.requires_grad_()
        distance, albedo = network.query(features, place, inverse)
        (gradient,) = torch.autograd.grad(distance.sum(), place)
    with torch.no_grad():
        normals = F.normalize(gradient, dim=-1)
        shaded = albedo * network.shade(normals, features.illumination)
        hit = found.hit.float()[..., None]

        def image(colours: torch.Tensor) -> torch.Tensor:
            return (colours * hit).transpose(1, 2).reshape(-1, 3, SIZE, SIZE)

        return _Side(image(albedo), image(shaded), image(normals / 2 + 0.5))


def _rows(columns: list[torch.Tensor]) -> torch.Tensor:
    """(B, 3, S, S) images, laid out as a table (3, B · S, columns · S)."""
    wide = torch.cat(columns, 3)
    return torch.cat(list(wide), 1).clamp(0, 1)
