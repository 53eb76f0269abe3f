"""What a person hides from itself: ambient occlusion and soft shadows from a coarse volume."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from pifuhd_ros.geometry.vectors import unit

_DIRECTIONS = 12
_STEPS = (0.035, 0.075, 0.14, 0.25, 0.45)
"""How far from the surface each cone is looked at, in model units."""
_CONE = 0.35
"""Width of a cone over its length: 12 of them fill a hemisphere."""
_CONE_EDGE, _CONE_MARGIN = 0.5, 0.3
"""How slowly, and how far outside the open cone, a light is lost; in cosines."""
_LIFT_VOXELS = 1.5
"""The march starts so far off the surface, for the volume is coarse."""


@dataclass(frozen=True)
class Occlusion:
    """What each pixel's surface sees of its surroundings."""

    ambient: torch.Tensor
    """(B, 1, S, S) in [0, 1]: the cosine-weighted share of the hemisphere that is open."""
    bent: torch.Tensor
    """(B, 3, S, S) unit mean open direction, model space; zero outside the mask."""

    def bend(self, normals: torch.Tensor) -> torch.Tensor:
        """Normals (B, 3, S, S) turned halfway to where it is open, keeping their detail."""
        return unit(normals + self.bent * (1 - self.ambient), 1)

    def visibility(self, directions: torch.Tensor, radii: torch.Tensor) -> torch.Tensor:
        """Share (B, L, S, S) of each light that is seen: what is open counts as one cone.

        Args:
            directions: (B, L, 3) unit, model space.
            radii: (B, L) angular radii of the lights, in radians.

        Source: Oat and Sander, "Ambient Aperture Lighting", I3D 2007, section 4.
        """
        count, _, height, width = self.bent.shape
        # A cone of half angle a around the normal holds sin² a of the cosine-weighted hemisphere.
        rim = (1 - self.ambient).clamp(min=0).sqrt()
        cosine = torch.bmm(directions, self.bent.flatten(2)).view(count, -1, height, width)
        # What is open has no sharp edge: it is hardly ever a cone.
        softness = (_CONE_EDGE + radii)[..., None, None]
        return ((cosine - rim + _CONE_MARGIN) / softness + 0.5).clamp(0, 1)


def _hemisphere(device: torch.device) -> torch.Tensor:
    """(_DIRECTIONS, 3) unit vectors, spread evenly over the cosine-weighted hemisphere around z."""
    i = torch.arange(_DIRECTIONS, device=device) + 0.5
    squared = i / _DIRECTIONS
    angle = i * math.pi * (3 - math.sqrt(5))
    radius = squared.sqrt()
    return torch.stack([radius * angle.cos(), radius * angle.sin(), (1 - squared).sqrt()], 1)


def _frames(normals: torch.Tensor) -> torch.Tensor:
    """Rotations (N, 3, 3) that take z to the unit normals (N, 3).

    Source: Duff et al., "Building an Orthonormal Basis, Revisited", JCGT 2017.
    """
    x, y, z = normals.unbind(1)
    sign = torch.where(z >= 0, 1.0, -1.0)
    a = -1 / (sign + z)
    b = x * y * a
    tangent = torch.stack([1 + sign * x * x * a, sign * b, -sign * x], 1)
    bitangent = torch.stack([b, sign + y * y * a, -y], 1)
    return torch.stack([tangent, bitangent, normals], 2)


def _sample(
    volume: torch.Tensor, points: torch.Tensor, person: torch.Tensor, count: int
) -> torch.Tensor:
    """Occupancy at points (N, K, 3) of the people (N,), empty outside the box.

    Args:
        volume: (count · D, H, W), people one behind another, so that one call serves them all.
        points: Model space.
        person: Whose point it is.
        count: Of people.
    """
    depth = volume.shape[0] // count
    x, y, z = points.unbind(-1)
    # Kept half a voxel off the neighbours' slices.
    slices = ((z + 1) / 2 * depth).clamp(0.5, depth - 0.5) + (person * depth)[:, None]
    grid = torch.stack([x, y, slices * (2 / (count * depth)) - 1], -1)
    found = F.grid_sample(volume[None, None], grid[None, None], align_corners=False)[0, 0, 0]
    return found * (z.abs() <= 1)


def ambient_occlusion(
    volume: torch.Tensor,
    z: torch.Tensor,
    normals: torch.Tensor,
    mask: torch.Tensor,
    size_px: int = 128,
) -> Occlusion:
    """Marches cones through the volume from each surface point.

    Args:
        volume: (B, D, H, W) occupancy in [0, 1] of the model box, axes z, y, x, each upwards.
        z: (B, S, S) or (B, 1, S, S) model-space depth of the surface; the pixel gives x and y.
        normals: (B, 3, S, S) unit, model space.
        mask: (B, 1, S, S) in [0, 1].
        size_px: The march is done at this size, at most S, and enlarged.

    Source: Crassin et al., "Interactive Indirect Illumination Using Voxel Cone Tracing", 2011,
    section 7, without the light.
    """
    count, _, size, _ = normals.shape
    device = normals.device
    stride = max(1, size // size_px)
    # The middle of each patch, so that enlarging shifts nothing.
    middles = slice(stride // 2, None, stride)
    z = z.reshape(count, size, size)[:, middles, middles]
    normal_map = normals[:, :, middles, middles]
    seen = mask[:, 0, middles, middles] > 0.5
    person, row, column = torch.nonzero(seen, as_tuple=True)
    normal = F.normalize(normal_map.permute(0, 2, 3, 1)[seen], dim=1)
    u, v = ((index * stride + stride // 2) * 2 / (size - 1) for index in (column, row))
    points = torch.stack([u - 1, 1 - v, z[seen]], 1)

    voxel = 2 / volume.shape[-1]
    levels = [volume.flatten(0, 1)]
    pooled = volume[:, None]
    for _ in range(2):
        pooled = F.avg_pool3d(pooled, 2)
        levels.append(pooled.flatten(0, 2))
    directions = torch.einsum("nij,kj->nki", _frames(normal), _hemisphere(device))
    start = points + _LIFT_VOXELS * voxel * normal
    visible = torch.ones(directions.shape[:2], device=device)
    for step in _STEPS:
        level = min(2, max(0, round(math.log2(max(1.0, _CONE * step / voxel)))))
        here = start[:, None] + step * directions
        visible = visible * (1 - _sample(levels[level], here, person, count))
    bent = F.normalize((directions * visible[..., None]).sum(1) + 1e-3 * normal, dim=1)
    maps = torch.zeros(count, *seen.shape[1:], 5, device=device)
    maps[seen] = torch.cat([visible.mean(1, keepdim=True), bent, torch.ones_like(bent[:, :1])], 1)
    maps = F.interpolate(maps.permute(0, 3, 1, 2), size=(size, size), mode="bilinear")
    ambient, bent, weight = maps.split([1, 3, 1], 1)
    # Pixels outside have no say, and where none was inside all is open.
    ambient = ambient.add_(1e-3).div_(weight + 1e-3)
    return Occlusion(ambient, unit(bent.add(normals, alpha=1e-3), 1))
