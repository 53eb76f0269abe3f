"""Garments on a rest body: fitted assets, and procedural ones made from the helper surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.split import Split
from pifuhd_ros.synthetic.wardrobe import Garment, Wardrobe


@dataclass(frozen=True)
class Dressed:
    """One garment on one rest body."""

    vertices: torch.Tensor
    """(V, 3) rest positions [m]."""
    base: torch.Tensor
    """(V, 3) body vertices whose bones move each vertex."""
    weights: torch.Tensor
    """(V, 3), rows sum to one."""
    faces: torch.Tensor
    """(F, 3)."""
    caps: torch.Tensor
    """(C, 3) faces that close it; their apexes are the last vertices."""
    hidden: torch.Tensor
    """Body vertices under it."""


def vertex_normals(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Area-weighted unit normals (V, 3)."""
    a, b, c = vertices[faces].unbind(1)
    face_normals = torch.linalg.cross(b - a, c - a)
    normals = torch.zeros_like(vertices)
    normals.index_add_(0, faces.reshape(-1), face_normals.repeat_interleave(3, 0))
    return torch.nn.functional.normalize(normals, dim=-1)


def _folds(rest: torch.Tensor, dice: Dice, amplitude_m: float) -> torch.Tensor:
    """Smooth pseudo-random displacements (V,): cloth bulges and folds."""
    total = torch.zeros(len(rest), device=rest.device)
    for frequency, share in ((12.0, 0.5), (35.0, 0.35), (80.0, 0.15)):
        for _ in range(2):
            wave = (dice.normal(3) * frequency).to(rest.device)
            total += share * 0.5 * (rest @ wave + dice.uniform(0, 6.28)).sin()
    return total * amplitude_m


def _close(
    vertices: torch.Tensor, base: torch.Tensor, weights: torch.Tensor, edges: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Appends the apexes of boundary cones; returns vertices, base, weights and cap faces."""
    if len(edges) == 0:
        return vertices, base, weights, edges
    count = int(edges[:, 2].max()) + 1
    total = torch.zeros(count, 3, device=vertices.device).index_add(
        0, edges[:, 2], vertices[edges[:, 0]]
    )
    size = torch.bincount(edges[:, 2], minlength=count)[:, None]
    # An apex moves with one vertex of its loop: any will do, caps are never drawn.
    member = torch.zeros(count, dtype=torch.int64, device=vertices.device)
    member[edges[:, 2]] = edges[:, 0]
    caps = torch.cat([edges[:, :2], edges[:, 2:] + len(vertices)], 1)
    return (
        torch.cat([vertices, total / size]),
        torch.cat([base, base[member]]),
        torch.cat([weights, weights[member]]),
        caps,
    )


def fit_garment(garment: Garment, rest: torch.Tensor, dice: Dice, loosen_m: float) -> Dressed:
    """Hangs an asset on a rest body (V, 3) [m], with folds of its own up to ``loosen_m``."""
    a, b = garment.scales[:, 0].long(), garment.scales[:, 1].long()
    axis = torch.arange(3, device=rest.device)
    reference = garment.scales[:, 2]
    measured = (rest[a, axis] - rest[b, axis]).abs() / reference.clamp(min=1e-6)
    scale = torch.where(reference > 0, measured, torch.ones_like(measured))
    vertices = (rest[garment.base] * garment.weights[..., None]).sum(1) + garment.offsets * scale
    if loosen_m > 0:
        out = (_folds(vertices, dice, loosen_m) + loosen_m * 0.6).clamp(min=-0.002)
        vertices = vertices + vertex_normals(vertices, garment.faces) * out[:, None]
    weights = garment.weights.clamp(min=0) + 1e-6
    weights = weights / weights.sum(1, keepdim=True)
    vertices, base, weights, caps = _close(vertices, garment.base, weights, garment.caps)
    return Dressed(vertices, base, weights, garment.faces, caps, garment.hidden)


def _boundary(faces: torch.Tensor) -> torch.Tensor:
    """(L, 3) reversed boundary edges with one apex number each loop, as Garment.caps."""
    directed = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    size = int(faces.max()) + 1
    forward = directed[:, 0] * size + directed[:, 1]
    backward = directed[:, 1] * size + directed[:, 0]
    edges = directed[~torch.isin(forward, backward)].flip(1)
    # Loops: the smallest vertex that each edge reaches along the boundary.
    label = torch.arange(size, device=faces.device)
    while True:
        low = torch.minimum(label[edges[:, 0]], label[edges[:, 1]])
        new = label.scatter_reduce(0, edges[:, 0], low, "amin").scatter_reduce(
            0, edges[:, 1], low, "amin"
        )
        if torch.equal(new, label):
            break
        label = new
    _, apex = torch.unique(label[edges[:, 0]], return_inverse=True)
    return torch.cat([edges, apex[:, None]], 1)


def _helper_garment(
    faces: torch.Tensor, rest: torch.Tensor, dice: Dice, thickness_m: float, folds_m: float
) -> Dressed:
    """A part of a helper surface, pushed out along its normals."""
    used, local = torch.unique(faces, return_inverse=True)
    faces = local.view(-1, 3)
    vertices = rest[used]
    out = (thickness_m + _folds(vertices, dice, folds_m)).clamp(min=0.003)
    vertices = vertices + vertex_normals(vertices, faces) * out[:, None]
    base = used[:, None].expand(-1, 3)
    weights = torch.full_like(vertices, 1 / 3)
    vertices, base, weights, caps = _close(vertices, base, weights, _boundary(faces))
    return Dressed(vertices, base, weights, faces, caps, torch.zeros(0, dtype=torch.int64))


@dataclass(frozen=True)
class _Cut:
    """Where procedural clothes end, in the mean body's rest pose [m]."""

    sleeve_x: float
    hem_y: float
    waist_y: float
    leg_y: float
    skirt_y: float | None


def _sample_cut(dice: Dice, split: Split) -> _Cut:
    hem = dice.uniform(-0.05, 0.2)
    if split == "held_out":
        # The dress: long sleeves over a skirt of the same cloth. Never in training.
        return _Cut(dice.uniform(0.42, 0.5), 0.12, 0.16, 0.05, dice.uniform(-0.55, -0.15))
    skirt = dice.uniform(-0.6, -0.1) if dice.chance(0.25) else None
    sleeve = dice.choice((0.2, dice.uniform(0.24, 0.32), dice.uniform(0.4, 0.5)))
    if skirt is not None:
        sleeve = min(sleeve, 0.38)
    leg = dice.uniform(-0.8, -0.68) if dice.chance(0.7) else dice.uniform(-0.55, -0.1)
    return _Cut(sleeve, hem, hem + 0.06, leg, skirt)


def procedural_outfit(
    wardrobe: Wardrobe, rest: torch.Tensor, mean: torch.Tensor, dice: Dice, split: Split
) -> list[Dressed]:
    """A top, and trousers or a skirt, cut from MakeHuman's helper surfaces.

    Args:
        wardrobe: Has the helper surfaces.
        rest: (V, 3) the person's rest body [m].
        mean: (V, 3) the mean rest body, in which cuts are measured.
        dice: The person's random numbers.
        split: The held-out people wear a kind of their own.
    """
    cut = _sample_cut(dice, split)

    def inside(faces: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        return faces[keep[faces].all(1)]

    x, y = mean[:, 0].abs(), mean[:, 1]
    is_arm = (x > 0.2) & (y > 0.13)
    tights = wardrobe.tights_faces
    loose = dice.choice((0.006, 0.012, dice.uniform(0.012, 0.035)))
    parts = [
        _helper_garment(
            inside(tights, ((y > cut.hem_y) | is_arm) & (x < cut.sleeve_x)),
            rest, dice, loose + 0.004, 0.4 * loose + 0.002,
        )
    ]  # fmt: skip
    leg_loose = dice.choice((0.004, 0.008, dice.uniform(0.01, 0.025)))
    parts.append(
        _helper_garment(
            inside(tights, (y < cut.waist_y) & (y > cut.leg_y) & ~is_arm),
            rest, dice, leg_loose, 0.4 * leg_loose + 0.002,
        )
    )  # fmt: skip
    if cut.skirt_y is not None:
        parts.append(
            _helper_garment(
                inside(wardrobe.skirt_faces, y > cut.skirt_y),
                rest, dice, dice.uniform(0.006, 0.02), 0.008,
            )
        )  # fmt: skip
    covered = (
        (((y > cut.hem_y + 0.02) | is_arm) & (x < cut.sleeve_x - 0.02) & (y < 0.62))
        | ((y < cut.waist_y - 0.02) & (y > cut.leg_y + 0.02) & ~is_arm)
    ) & (torch.arange(len(y), device=y.device) < 13380)
    hidden = torch.nonzero(covered)[:, 0]
    first = parts[0]
    parts[0] = Dressed(first.vertices, first.base, first.weights, first.faces, first.caps, hidden)
    return parts
