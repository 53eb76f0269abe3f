"""Garments of the assets on a rest body."""

from __future__ import annotations

from dataclasses import replace

import torch

from pifuhd_ros.synthetic.folds import Folds, limbs_of
from pifuhd_ros.synthetic.paint import Paint
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.sheet import vertex_normals
from pifuhd_ros.synthetic.wardrobe import Garment
from pifuhd_ros.synthetic.worn import Kind, Worn, with_apexes


def _hang(garment: Garment, rest: torch.Tensor) -> torch.Tensor:
    """Vertices (V, 3) of a garment on a rest body [m]."""
    a, b = garment.scales[:, 0].long(), garment.scales[:, 1].long()
    axis = torch.arange(3, device=rest.device)
    reference = garment.scales[:, 2]
    measured = (rest[a, axis] - rest[b, axis]).abs() / reference.clamp(min=1e-6)
    scale = torch.where(reference > 0, measured, torch.ones_like(measured))
    return (rest[garment.base] * garment.weights[..., None]).sum(1) + garment.offsets * scale


def fit_garment(
    garment: Garment,
    rest: torch.Tensor,
    mean: torch.Tensor,
    dice: Dice,
    loosen_m: float,
    paint: Paint,
    kind: Kind,
) -> Worn:
    """Hangs an asset on a rest body.

    Args:
        garment: The asset.
        rest: (V, 3) the person's rest body [m].
        mean: (V, 3) the mean rest body [m].
        dice: The person's random numbers.
        loosen_m: How much wider than designed, with folds of its own; 0: as designed.
        paint: Its colours.
        kind: What it is.
    """
    vertices = _hang(garment, rest)
    if loosen_m > 0:
        on_mean = (mean[garment.base] * garment.weights[..., None]).sum(1)
        low = float(on_mean[:, 1].min())
        limbs = limbs_of(on_mean)
        folds = Folds(dice, 0.7 * loosen_m + 0.002, 0.45, low, rest.device)
        out = (folds.at(limbs) + 0.5 * loosen_m).clamp(min=-0.001)
        vertices = vertices + vertex_normals(vertices, garment.faces) * out[:, None]
    weights = garment.weights.clamp(min=0) + 1e-6
    weights = weights / weights.sum(1, keepdim=True)
    vertices, base, weights, caps = with_apexes(vertices, garment.base, weights, garment.caps)
    return Worn(
        vertices,
        base,
        weights,
        garment.faces,
        garment.face_uvs,
        caps,
        garment.hidden,
        paint,
        garment.texture,
        garment.normal_map,
        kind,
    )


def lay_over(hair: Worn, clothes: list[Worn], gap_m: float = 0.006) -> Worn:
    """Hair pushed out of the clothes on which it falls, to ``gap_m`` above them."""
    low = float(hair.vertices[:, 1].min()) - 0.02
    points: list[torch.Tensor] = []
    normals: list[torch.Tensor] = []
    for cloth in clothes:
        normal = vertex_normals(cloth.vertices, cloth.faces)
        # Apexes of caps have no normal.
        near = (cloth.vertices[:, 1] > low) & (normal.square().sum(1) > 0.5)
        points.append(cloth.vertices[near])
        normals.append(normal[near])
    cloth_points, cloth_normals = torch.cat(points), torch.cat(normals)
    if len(cloth_points) == 0:
        return hair
    hanging = torch.nonzero(hair.vertices[:, 1] < cloth_points[:, 1].max() + 0.02)[:, 0]
    if len(hanging) == 0:
        return hair
    strands = hair.vertices[hanging]
    distance, nearest = torch.cdist(strands, cloth_points).min(1)
    above = ((strands - cloth_points[nearest]) * cloth_normals[nearest]).sum(1)
    push = (gap_m - above).clamp(min=0, max=0.06) * (distance < 0.08)
    vertices = hair.vertices.clone()
    vertices[hanging] += cloth_normals[nearest] * push[:, None]
    return replace(hair, vertices=vertices)


def fit_suit(
    garment: Garment,
    rest: torch.Tensor,
    mean: torch.Tensor,
    dice: Dice,
    loosen_m: float,
    paints: tuple[Paint, Paint],
) -> list[Worn]:
    """Hangs an outfit in whose mesh top and trousers are pieces of their own.

    Args:
        garment: The outfit.
        rest: (V, 3) the person's rest body [m].
        mean: (V, 3) the mean rest body [m].
        dice: The person's random numbers.
        loosen_m: See fit_garment.
        paints: Of what hangs from the shoulders, and of what hangs from the waist.

    Returns:
        One thing for each paint that is used.
    """
    whole = fit_garment(garment, rest, mean, dice, loosen_m, paints[0], "cloth")
    y = (mean[garment.base, 1] * garment.weights).sum(1)
    count = int(garment.component.max()) + 1
    highest = torch.full((count,), -torch.inf, device=y.device)
    highest = highest.scatter_reduce(0, garment.component, y, "amax")
    is_low = (highest < 0.3)[garment.component]
    result: list[Worn] = []
    for paint, of_piece in ((paints[0], ~is_low), (paints[1], is_low)):
        on_face = of_piece[garment.faces[:, 0]]
        if not bool(on_face.any()):
            continue
        # A cap's first corner is a vertex of the garment; its apex was made for its loop alone.
        on_cap = of_piece[whole.caps[:, 0]]
        corners = torch.cat([whole.faces[on_face], whole.caps[on_cap]])
        used, local = torch.unique(corners, return_inverse=True)
        faces, caps = local.view(-1, 3).split([int(on_face.sum()), int(on_cap.sum())])
        result.append(
            Worn(
                whole.vertices[used],
                whole.base[used],
                whole.weights[used],
                faces,
                whole.face_uvs[on_face],
                caps,
                whole.hidden,
                paint,
                whole.texture,
                whole.normal_map,
                "cloth",
            )
        )
    return result
