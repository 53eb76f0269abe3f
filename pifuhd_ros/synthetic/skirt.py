"""Skirts: what hangs from the hips round both legs, down to any hem."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pifuhd_ros.synthetic.cuts import Cut
from pifuhd_ros.synthetic.folds import Folds, limbs_of, smoothstep
from pifuhd_ros.synthetic.sheet import Sheet, boundary_edges, three_strongest
from pifuhd_ros.synthetic.wardrobe import Wardrobe

HIPS_Y = 0.1
"""Where it begins, on the mean body [m]."""
_RING_M = 0.018
_GAP_M = 0.005
_SECTORS = 40
_AXIS_Z = 0.03


@dataclass(frozen=True)
class Inner:
    """What a skirt must lie around."""

    mean: torch.Tensor
    """(N, 3) on the mean body [m]."""
    rest: torch.Tensor
    """(N, 3) on the person's [m]."""


@dataclass(frozen=True)
class Rings:
    """A skirt below a ring of vertices."""

    base: torch.Tensor
    weights: torch.Tensor
    mean: torch.Tensor
    rest: torch.Tensor
    faces: torch.Tensor


def _radius(points: torch.Tensor) -> torch.Tensor:
    return (points[..., 0].square() + (points[..., 2] - _AXIS_Z).square()).sqrt()


def _smooth_around(angle: torch.Tensor) -> torch.Tensor:
    """(L, L) means over some 15 degrees each way of values at ascending angles (L,) [rad]."""
    apart = torch.remainder(angle[:, None] - angle[None] + math.pi, 2 * math.pi) - math.pi
    after, before = angle.roll(-1), angle.roll(1)
    share = torch.remainder(after - before, 2 * math.pi)
    weights = (-(apart / 0.25).square()).exp() * share
    return weights / weights.sum(1, keepdim=True)


def _push(points: torch.Tensor, angle: torch.Tensor, y: torch.Tensor, inner: Inner) -> torch.Tensor:
    """How far rings of points (R, L, 3) at angles (R, L) and heights (R,) must go outwards [m]."""
    rows = len(y)
    step = float(y[0] - y[-1]) / (rows - 1)
    row = ((y[0] - inner.mean[:, 1]) / step).round().long()
    on = (row >= -1) & (row <= rows) & (limbs_of(inner.mean).reach < 0.2)
    row, where = row[on].clamp(0, rows - 1), inner.rest[on]
    # Sectors are of the person's own body, as the push is.
    turn = torch.atan2(where[:, 0], where[:, 2] - _AXIS_Z) / (2 * math.pi)
    cell = row * _SECTORS + (turn * _SECTORS).round().long() % _SECTORS
    table = torch.zeros(rows * _SECTORS, device=y.device)
    table = table.scatter_reduce(0, cell, _radius(where), "amax").view(rows, _SECTORS)
    wide = torch.cat([table[:, -2:], table, table[:, :2]], 1)[None, None]
    wide = torch.nn.functional.pad(wide, (0, 0, 2, 2))
    table = torch.nn.functional.max_pool2d(wide, 5, 1)[0, 0]
    for _ in range(2):
        table = torch.maximum(table, (table.roll(1, 1) + table.roll(-1, 1)) / 2)
    place = (
        torch.remainder(torch.atan2(points[..., 0], points[..., 2] - _AXIS_Z) / (2 * math.pi), 1)
        * _SECTORS
    )
    low = place.long() % _SECTORS
    t = place - place.floor()
    index = torch.arange(rows, device=y.device)[:, None]
    need = table[index, low] * (1 - t) + table[index, (low + 1) % _SECTORS] * t
    push = (need + _GAP_M - _radius(points)).clamp(min=0)
    # Cloth does not jump from ring to ring.
    smooth = _smooth_around(angle[0])
    for _ in range(2):
        soft = torch.cat([push[:1], (push[:-2] + push[1:-1] + push[2:]) / 3, push[-1:]])
        push = torch.maximum(push, soft @ smooth.T)
    return push


def hang_skirt(
    wardrobe: Wardrobe,
    rest: torch.Tensor,
    mean: torch.Tensor,
    sheet: Sheet,
    displaced: torch.Tensor,
    cut: Cut,
    folds: Folds,
    inner: Inner,
) -> Rings:
    """Continues a garment below its hip line to its hem, along the skirt helper surface."""
    edge = torch.unique(boundary_edges(sheet.faces))
    limbs = limbs_of(sheet.mean[edge], has_legs=False)
    low = ((limbs.height - HIPS_Y).abs() < 1e-3) & (limbs.reach < 0.2)
    edge, angle = edge[low], torch.remainder(limbs.torso_angle[low] + 0.05, 2 * math.pi)
    order = angle.argsort()
    ring, angle = edge[order], angle[order]
    count = len(ring)

    grid = wardrobe.skirt_grid
    columns = grid.shape[1]
    hips = mean[grid[4]]
    around = torch.remainder(torch.atan2(hips[:, 0], hips[:, 2] - _AXIS_Z) + 0.05, 2 * math.pi)
    around = torch.cat([around[-1:] - 2 * math.pi, around, around[:1] + 2 * math.pi])
    c = torch.searchsorted(around, angle, right=True).clamp(1, columns + 1) - 1
    t = ((angle - around[c]) / (around[c + 1] - around[c])).clamp(0, 1)[:, None]
    left, right = grid[:, (c - 1) % columns], grid[:, c % columns]
    heights = mean[left, 1] * (1 - t[:, 0]) + mean[right, 1] * t[:, 0]

    rings = max(2, round((HIPS_Y - cut.hem_y) / _RING_M))
    drop = torch.arange(rings + 1, device=rest.device) / rings
    y = HIPS_Y + (cut.hem_y - HIPS_Y) * drop
    # (rings + 1, count): the row above each point, and how far it is to the next one.
    row = (heights[None] > y[:, None, None]).sum(1).clamp(1, len(grid) - 1) - 1
    number = torch.arange(count, device=rest.device).expand_as(row)
    upper, lower = heights[row, number], heights[row + 1, number]
    s = ((upper - y[:, None]) / (upper - lower)).clamp(0, 1)[..., None]
    corners = torch.stack(
        [left[row, number], right[row, number], left[row + 1, number], right[row + 1, number]], 2
    )
    mix = torch.cat([(1 - s) * (1 - t), (1 - s) * t, s * (1 - t), s * t], 2)
    on_mean = (mean[corners] * mix[..., None]).sum(2)
    on_rest = (rest[corners] * mix[..., None]).sum(2)
    own = torch.stack([angle.sin(), torch.zeros_like(angle), angle.cos()], 1)
    lead = displaced[ring] - on_rest[0]
    fall = (-(HIPS_Y - y) / (0.12 + 0.4 * cut.hang)).exp()[:, None, None]
    angle = angle.expand_as(row)
    wide = cut.flare_m * drop[:, None] + folds.of_skirt(
        (drop[:, None].expand_as(row)).reshape(-1), angle.reshape(-1), cut.pleats
    ).view_as(row)
    # Farther down, the cloth no longer follows the hollows of the hips.
    even = _smooth_around(angle[0]) @ lead
    even = torch.lerp(lead, even, smoothstep(0.0, 0.06, HIPS_Y - y)[:, None, None])
    points = on_rest + even * fall + own * wide[..., None]
    push = _push(points, angle, y, inner) * smoothstep(0.0, 0.06, HIPS_Y - y)[:, None]
    points = points + own * push[..., None]

    blend = smoothstep(0.0, 0.12, HIPS_Y - y)[:, None, None]
    base = torch.cat([corners, sheet.base[ring].expand(rings + 1, -1, -1)], 2)
    weights = torch.cat([mix * blend, sheet.weights[ring] * (1 - blend)], 2)
    base, weights = three_strongest(base[1:].flatten(0, 1), weights[1:].flatten(0, 1))
    index = torch.cat(
        [
            ring[None],
            len(displaced) + torch.arange(rings * count, device=ring.device).view(rings, count),
        ]
    )
    a, b = index[:-1], index[:-1].roll(-1, 1)
    d, e = index[1:], index[1:].roll(-1, 1)
    faces = torch.stack([torch.stack([a, d, e], 2), torch.stack([a, e, b], 2)], 2).view(-1, 3)
    return Rings(base, weights, on_mean[1:].flatten(0, 1), points[1:].flatten(0, 1), faces)
