"""What a person wears, has on the head and in the face, each thing with its paint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from pifuhd_ros.synthetic.paint import OPAQUE, Paint, sample_textures

Kind = Literal["cloth", "shoes", "hair", "card", "hard"]


@dataclass(frozen=True)
class Worn:
    """One thing on a body, in rest space: metres, y up, facing +z."""

    vertices: torch.Tensor
    """(V, 3), the apexes of the caps last."""
    base: torch.Tensor
    """(V, 3) int64 body vertices whose bones move each vertex."""
    weights: torch.Tensor
    """(V, 3), rows sum to one."""
    faces: torch.Tensor
    """(F, 3) drawn."""
    face_uvs: torch.Tensor
    """(F, 3, 2)."""
    caps: torch.Tensor
    """(C, 3) faces that close it; never drawn."""
    hidden: torch.Tensor
    """(N,) body vertices that it hides."""
    paint: Paint
    texture: int
    """Index into Wardrobe.textures, -1 for none."""
    normal_map: int
    """The same, of its normal map."""
    kind: Kind
    """Hair and cards (brows) are drawn where their texture is opaque, from both sides; hair is
    part of the solid by its winding number, cards are not. All else is closed by its caps."""


_SHOWN = 0.25
"""Share of a face that must be drawn for it to count."""
_SIDE = 6
"""Places along a face's sides at which its texture is read."""


def shown_faces(thing: Worn, textures: torch.Tensor) -> torch.Tensor:
    """Faces (N, 3) on a quarter of which, at least, the texture (see Wardrobe.textures) is drawn.

    Some cards of hair lie about the head and show nothing: they are no part of a solid.
    """
    steps = (torch.arange(_SIDE, device=thing.faces.device) + 1 / 3) / _SIDE
    b, c = torch.meshgrid(steps, steps, indexing="ij")
    weights = torch.stack([1 - b - c, b, c], -1)[b + c < 1]
    uvs = weights @ thing.face_uvs
    texture = torch.full(uvs.shape[:2], thing.texture, device=uvs.device)
    opacity = sample_textures(textures, texture.flatten(), uvs.flatten(0, 1))[:, 3]
    return thing.faces[(opacity > OPAQUE).view(len(uvs), -1).float().mean(1) >= _SHOWN]


def with_apexes(
    vertices: torch.Tensor, base: torch.Tensor, weights: torch.Tensor, edges: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Appends the apexes that close boundary loops.

    Args:
        vertices: (V, 3).
        base: (V, 3).
        weights: (V, 3).
        edges: (L, 3) boundary edges and the number of the apex of each.

    Returns:
        Vertices, base, weights and the cap faces (L, 3).
    """
    if len(edges) == 0:
        return vertices, base, weights, edges
    _, apex = torch.unique(edges[:, 2], return_inverse=True)
    size = torch.bincount(apex)
    total = torch.zeros(len(size), 3, device=vertices.device)
    total.index_add_(0, apex, vertices[edges[:, 0]])
    # An apex moves with one vertex of its loop: any will do, caps are never drawn.
    member = torch.zeros(len(size), dtype=torch.int64, device=vertices.device)
    member = member.scatter_reduce(0, apex, edges[:, 0], "amax")
    return (
        torch.cat([vertices, total / size[:, None]]),
        torch.cat([base, base[member]]),
        torch.cat([weights, weights[member]]),
        torch.cat([edges[:, :2], apex[:, None] + len(vertices)], 1),
    )
