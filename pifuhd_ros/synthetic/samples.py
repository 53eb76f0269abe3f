"""Labelled points for training: occupancy and signed distance around every person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pifuhd_ros.synthetic.distance import NearestSurface
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.solid import REACH_M, Boundary, Solid


@dataclass(frozen=True)
class SamplingConfig:
    """Where the points lie."""

    points: int = 16384
    """Of each person."""
    sigmas_m: tuple[float, ...] = (0.015, 0.05, 0.12)
    """Standard deviations of the bands around the surface. Source: PIFuHD, CVPR 2020, section 4
    uses 3 and 5 cm; narrow bands alone teach a young network nothing."""
    shares: tuple[float, ...] = (0.3, 0.35, 0.12)
    """Of the points in each band."""
    around_share: float = 0.17
    """Of the points around the upright axis: seen from any side many of them lie before and behind
    the person, where what is never asked comes out as slabs. What is left is uniform."""
    reach_m: float = 1.15
    """Half side of the uniform box around the person's middle."""
    cell_m: float = 0.004
    """Points are moved in x and y onto lines so far apart."""
    spacing_m: float = 0.006
    """Of the surface points to which distances are measured."""


@dataclass(frozen=True)
class PointSamples:
    """Points of each person, person space [m]."""

    points: torch.Tensor
    """(P, N, 3)."""
    inside: torch.Tensor
    """(P, N) bool."""
    signed_distance: torch.Tensor
    """(P, N) metres to the surface, negative inside."""


def _rand(generators: Sequence[torch.Generator], *shape: int) -> torch.Tensor:
    return torch.stack([torch.rand(*shape, generator=g) for g in generators])


def _surface_points(
    people: People, count: int, generators: Sequence[torch.Generator]
) -> torch.Tensor:
    """Area-weighted random points (P, count, 3) on what is drawn."""
    device = people.vertices.device
    a, b, c = people.vertices[people.faces].unbind(1)
    area = torch.linalg.cross(b - a, c - a).norm(dim=1).double()
    person = people.person_of_vertex[people.faces[:, 0]]
    ends = area.new_zeros(len(people)).index_add(0, person, area).cumsum(0)
    starts = torch.cat([ends.new_zeros(1), ends[:-1]])
    r = _rand(generators, count, 3).to(device)
    target = starts[:, None] + r[..., 0].double() * (ends - starts)[:, None]
    chosen = torch.searchsorted(area.cumsum(0), target).clamp(max=len(area) - 1)
    root = r[..., 1:2].sqrt()
    return (
        (1 - root) * a[chosen] + root * (1 - r[..., 2:]) * b[chosen] + root * r[..., 2:] * c[chosen]
    )


def _boxes(people: People) -> tuple[torch.Tensor, torch.Tensor]:
    """Lowest and highest corner (P, 3) of what is drawn of each person."""
    used = people.faces.reshape(-1)
    person = people.person_of_vertex[used][:, None].expand(-1, 3)
    empty = people.vertices.new_full((len(people), 3), torch.inf)
    low = empty.scatter_reduce(0, person, people.vertices[used], "amin")
    high = (-empty).scatter_reduce(0, person, people.vertices[used], "amax")
    return low, high


def _draw(people: People, config: SamplingConfig, seeds: Sequence[int]) -> torch.Tensor:
    """Unlabelled points (P, N, 3)."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    device = people.vertices.device
    parts = []
    for sigma, share in zip(config.sigmas_m, config.shares, strict=True):
        on = _surface_points(people, int(config.points * share), generators)
        noise = torch.stack([torch.randn(on.shape[1:], generator=g) for g in generators])
        parts.append(on + sigma * noise.to(device))
    low, high = _boxes(people)
    middle = (low + high)[:, None] / 2
    around = int(config.points * config.around_share)
    r = _rand(generators, around, 3).to(device)
    angle, radius = 2 * math.pi * r[..., 0], config.reach_m * r[..., 1]
    y = low[:, None, 1] + (high - low)[:, None, 1] * r[..., 2]
    x, z = middle[..., 0] + radius * angle.cos(), middle[..., 2] + radius * angle.sin()
    parts.append(torch.stack([x, y, z], -1))
    rest = config.points - sum(part.shape[1] for part in parts)
    parts.append(middle + config.reach_m * (2 * _rand(generators, rest, 3).to(device) - 1))
    points = torch.cat(parts, 1).clamp(-REACH_M, REACH_M)
    order = torch.stack([torch.randperm(config.points, generator=g) for g in generators])
    return points.gather(1, order.to(device)[..., None].expand(-1, -1, 3))


def sample_points(
    people: People, seeds: Sequence[int], config: SamplingConfig | None = None
) -> PointSamples:
    """Labelled points of each person.

    Args:
        people: Who is sampled.
        seeds: Of each person's points.
        config: Where they lie.
    """
    config = config or SamplingConfig()
    solid = Solid(people, config.cell_m)
    count = len(people)
    points = solid.snap(_draw(people, config, seeds).reshape(-1, 3))
    person = torch.arange(count, device=points.device).repeat_interleave(config.points)
    inside = solid.contains(points, person).view(count, -1)
    points = points.view(count, -1, 3)
    boundary = solid.boundary(config.spacing_m)
    distances = []
    for who in range(count):
        mine = boundary.person == who
        own = Boundary(**{name: value[mine] for name, value in vars(boundary).items()})
        distances.append(NearestSurface(own).distance(points[who]))
    distance = torch.stack(distances)
    return PointSamples(points, inside, torch.where(inside, -distance, distance))
