"""Which points lie inside a person."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pifuhd_ros.geometry.rasterize import cover
from pifuhd_ros.synthetic.person import Person

_PAIRS_PER_CHUNK = 200_000


@dataclass(frozen=True)
class LabelledPoints:
    """Points of a person's space with their occupancy."""

    points: torch.Tensor
    """(N, 3) metres, person space."""
    inside: torch.Tensor
    """(N,) bool."""


def winding_number(points: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Generalized winding number (N,) of a triangle soup (F, 3, 3) at points (N, 3).

    Source: Jacobson et al., "Robust Inside-Outside Segmentation using Generalized Winding
    Numbers", SIGGRAPH 2013; solid angle of a triangle from van Oosterom and Strackee, 1983.
    """
    # Every dot product below is affine in the point, but for |p|²: seven matrix products replace
    # the vectors of all pairs.
    origin = triangles.reshape(-1, 3).mean(0)
    A, B, C = (triangles - origin).unbind(1)
    p_all = points - origin
    cross = torch.linalg.cross(A, B) + torch.linalg.cross(B, C) + torch.linalg.cross(C, A)
    volume = (A * torch.linalg.cross(B, C)).sum(1)

    def products(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (x * y).sum(1), -(x + y).T

    pairs = [products(x, y) for x, y in ((A, A), (B, B), (C, C), (A, B), (B, C), (C, A))]
    result = torch.zeros(len(points), device=points.device)
    step = max(1, _PAIRS_PER_CHUNK // max(1, len(triangles)))
    for start in range(0, len(points), step):
        p = p_all[start : start + step]
        square = p.square().sum(1, keepdim=True)
        la, lb, lc, ab, bc, ca = (torch.addmm(k, p, m).add_(square) for k, m in pairs)
        for length in (la, lb, lc):
            length.clamp_(min=0).sqrt_()
        under = (la * lb).mul_(lc).addcmul_(ab, lc).addcmul_(bc, la).addcmul_(ca, lb)
        over = torch.addmm(volume, p, -cross.T)
        result[start : start + step] = torch.atan2(over, under).sum(1) / (2 * math.pi)
    return result


def surface_points(
    person: Person, count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Area-weighted random points on the drawn surfaces, and their face normals, (N, 3) each."""
    faces = torch.cat([p.faces for p in person.parts])
    a, b, c = person.vertices[faces].unbind(1)
    cross = torch.linalg.cross(b - a, c - a)
    area = cross.norm(dim=1)
    chosen = torch.multinomial(area.cpu(), count, replacement=True, generator=generator)
    chosen = chosen.to(faces.device)
    r = torch.rand(count, 2, generator=generator).to(faces.device)
    root = r[:, :1].sqrt()
    points = (1 - root) * a[chosen] + root * (1 - r[:, 1:]) * b[chosen]
    points = points + root * r[:, 1:] * c[chosen]
    return points, torch.nn.functional.normalize(cross[chosen], dim=1)


def label_points(person: Person, points: torch.Tensor, cell_m: float) -> LabelledPoints:
    """Labels points, each moved in x and y to the middle of its cell.

    A closed surface's winding number is the signed count of its crossings along any ray: one pass
    of the rasteriser gives every crossing along z of every column of cells. Hair is open; its
    generalized winding number is summed face by face, only around the head.

    Args:
        person: Who is tested.
        points: (N, 3) metres, person space.
        cell_m: Side of the columns.
    """
    low = points[:, :2].amin(0) - cell_m
    cells = ((points[:, :2] - low) / cell_m).round().long()
    width, height = (cells.amax(0) + 2).tolist()
    points = torch.cat([low + cells * cell_m, points[:, 2:]], 1)
    # Rows count downwards in images, upwards here: mirrored, so fronts look like backs.
    raster = torch.cat([(person.vertices[:, :2] - low) / cell_m, person.vertices[:, 2:]], 1)
    crossings = cover(raster, person.solid_faces, height, width)
    pixel = cells[:, 1] * width + cells[:, 0]

    # One sorted key a crossing: its column, then its depth.
    depths = torch.cat([person.vertices[:, 2], points[:, 2]])
    z_low, z_high = float(depths.min()) - 1e-3, float(depths.max()) + 1e-3

    def key(column: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return column.double() + (z.double() - z_low) / (z_high - z_low)

    keys, order = key(crossings.pixel, crossings.depth).sort()
    # Entering at a face that looks towards -z (seen from there), leaving at one that looks to +z.
    step = torch.where(crossings.is_front[order], 1, -1)
    total = torch.cat([torch.zeros(1, dtype=torch.int64, device=step.device), step.cumsum(0)])
    before = torch.searchsorted(keys, pixel.double())
    upto = torch.searchsorted(keys, key(pixel, points[:, 2]))
    winding = (total[upto] - total[before]).float()
    if len(person.hair_faces):
        hair = person.vertices[person.hair_faces]
        flat = hair.reshape(-1, 3)
        near = ((points > flat.amin(0) - 0.01) & (points < flat.amax(0) + 0.01)).all(1)
        unsure = torch.nonzero(near & (winding < 0.5))[:, 0]
        winding[unsure] += winding_number(points[unsure], hair).clamp(min=0)
    return LabelledPoints(points, winding > 0.5)


def _around(person: Person, count: int, reach_m: float, generator: torch.Generator) -> torch.Tensor:
    """Points (N, 3) around the upright axis, denser towards it, over the person's height.

    Seen from any side many of them lie in front of and behind the person: what is never asked
    there comes out as slabs.
    """
    drawn = person.vertices[torch.cat([p.faces.reshape(-1) for p in person.parts])]
    low, high = drawn.amin(0), drawn.amax(0)
    r = torch.rand(count, 3, generator=generator).to(drawn.device)
    angle = 2 * math.pi * r[:, 0]
    x, z = reach_m * r[:, 1] * angle.cos(), reach_m * r[:, 1] * angle.sin()
    middle = (low + high) / 2
    y = low[1] + (high[1] - low[1]) * r[:, 2]
    return torch.stack([middle[0] + x, y, middle[2] + z], 1)


def sample_labels(
    person: Person,
    count: int,
    seed: int,
    sigmas_m: tuple[float, ...] = (0.015, 0.05, 0.12),
    shares: tuple[float, ...] = (0.3, 0.35, 0.12),
    around_share: float = 0.17,
    reach_m: float = 1.15,
    cell_m: float = 0.003,
) -> LabelledPoints:
    """Labelled points for training: bands around the surface, the rest over the whole box.

    Args:
        person: Who is sampled.
        count: Of points.
        seed: Of the random numbers.
        sigmas_m: Standard deviations of the bands. Source: PIFuHD, CVPR 2020, section 4 uses 3 and
            5 cm; a narrow band alone teaches a young network nothing.
        shares: Of the points in each band.
        around_share: Share of the points around the upright axis; what is left is uniform.
        reach_m: Half side of the uniform box around the person's middle.
        cell_m: See label_points.
    """
    generator = torch.Generator().manual_seed(seed)
    device = person.vertices.device
    counts = [int(count * share) for share in shares]
    parts = []
    for sigma, number in zip(sigmas_m, counts, strict=True):
        points, _ = surface_points(person, number, generator)
        parts.append(points + sigma * torch.randn(number, 3, generator=generator).to(device))
    around = int(count * around_share)
    parts.append(_around(person, around, reach_m, generator))
    drawn = person.vertices[torch.cat([p.faces.reshape(-1) for p in person.parts])]
    middle = (drawn.amin(0) + drawn.amax(0)) / 2
    rest = count - sum(counts) - around
    uniform = 2 * torch.rand(rest, 3, generator=generator).to(device) - 1
    parts.append(middle + reach_m * uniform)
    order = torch.randperm(count, generator=generator).to(device)
    return label_points(person, torch.cat(parts)[order], cell_m)
