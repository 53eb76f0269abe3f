"""How PHORHUM's averaged weights do on people of the training kind that they have not seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from pifuhd_ros.networks.phorhum import PhorhumNetwork
from pifuhd_ros.training.depth_targets import depths_at
from pifuhd_ros.training.phorhum_batches import PhorhumBatch
from pifuhd_ros.training.phorhum_losses import light_error, surface_samples


@dataclass(frozen=True)
class PhorhumValidation:
    """Means over the validation batches; NaN for what the network does not have."""

    accuracy: float
    """Share of the labelled points on the right side."""
    surface_error: float
    """Mean absolute distance on the true surface [model units]."""
    normal_deg: float
    """Mean angle between the field's gradient on the true surface and the true normal."""
    gradient_length: float
    """Mean length of that gradient."""
    albedo_front: float
    """Mean absolute error of the albedo, on the true surface that the camera saw."""
    albedo_back: float
    """On the surface behind it."""
    photo_front: float
    """The same of the photo taken for the albedo: what has to be beaten."""
    shaded: float
    """Mean absolute error of true albedo and normals, lit by the network, against the photo."""
    light: float
    """Mean absolute error of the shading of a white ball."""
    depth_error: float
    """Mean absolute error of the depth features [model units]."""


def validate_phorhum(network: PhorhumNetwork, batches: Iterable[PhorhumBatch]) -> PhorhumValidation:
    """Measures a network on batches, its depths estimated as in use."""
    found = [_measure(network, replace(b, knows_depth=b.knows_depth & False)) for b in batches]
    names = PhorhumValidation.__dataclass_fields__
    return PhorhumValidation(**{n: sum(m[n] for m in found) / len(found) for n in names})


def _measure(network: PhorhumNetwork, batch: PhorhumBatch) -> dict[str, float]:
    with torch.no_grad():
        features = network.encode(batch.image, batch.joints)
        labelled = network.to_space(batch.points, batch.inverse_distance)
        sides, _ = network.query(features, labelled, batch.inverse_distance)
        on = surface_samples(network, batch)
    count = on.photo.shape[1]
    with torch.enable_grad():
        place = on.points.requires_grad_()
        distance, albedo = network.query(features, place, batch.inverse_distance)
        (gradient,) = torch.autograd.grad(distance.sum(), place)
    with torch.no_grad():
        cosine = (F.normalize(gradient, dim=-1) * on.normals).sum(-1).clamp(-1, 1)
        shading = network.shade(on.normals[:, :count], features.illumination)
        depth_error = float("nan")
        if network.config.has_depths:
            true, seen = depths_at(batch.depth, batch.mask, features.maps.shape[-1])
            error = (features.maps[:, :2] / network.config.depth_scale - true).abs() * seen
            depth_error = float(error.sum() / (2 * seen.sum()).clamp(min=1))
        wrong = (albedo - on.albedo).abs()
        return {
            "accuracy": float(((sides < 0) == (batch.inside > 0.5)).float().mean()),
            "surface_error": float(distance.abs().mean()),
            "normal_deg": float(torch.rad2deg(cosine.arccos()).mean()),
            "gradient_length": float(gradient.norm(dim=-1).mean()),
            "albedo_front": float(wrong[:, :count].mean()),
            "albedo_back": float(wrong[:, count:].mean()),
            "photo_front": float((on.photo - on.albedo[:, :count]).abs().mean()),
            "shaded": float((on.albedo[:, :count] * shading - on.photo).abs().mean()),
            "light": float(light_error(network, features, batch)),
            "depth_error": depth_error,
        }
