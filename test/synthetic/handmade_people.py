"""People whose shape is known: spheres, boxes and planes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch

from pifuhd_ros.synthetic.paint import Paint, stack_paints
from pifuhd_ros.synthetic.people import People

_NO_FACES = torch.zeros(0, 3, dtype=torch.int64)
_QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


@dataclass(frozen=True)
class Shape:
    """What one person is made of."""

    vertices: torch.Tensor
    """(V, 3)."""
    normals: torch.Tensor
    """(V, 3)."""
    closed: torch.Tensor = _NO_FACES
    """(C, 3)."""
    open: torch.Tensor = _NO_FACES
    """(O, 3)."""


def sphere(
    radius: float, centre: tuple[float, float, float] = (0, 0, 0), rings: int = 96, lid: int = 0
) -> Shape:
    """A sphere of ``rings`` by twice as many fields; open at the top by ``lid`` rings."""
    sectors = 2 * rings
    theta = torch.linspace(0, math.pi, rings + 1, dtype=torch.float64)
    phi = torch.arange(sectors, dtype=torch.float64) * (2 * math.pi / sectors)
    ring, sector = torch.meshgrid(theta, phi, indexing="ij")
    unit = torch.stack([ring.sin() * sector.sin(), ring.cos(), ring.sin() * sector.cos()], -1)
    r, s = torch.meshgrid(torch.arange(lid, rings), torch.arange(sectors), indexing="ij")
    a, b = (r * sectors + s).flatten(), (r * sectors + (s + 1) % sectors).flatten()
    upper, lower = (
        torch.stack([a, b + sectors, b], 1),
        torch.stack([a, a + sectors, b + sectors], 1),
    )
    faces = torch.cat([upper[(r > 0).flatten()], lower[(r < rings - 1).flatten()]])
    # One vertex a pole, or the surface would not be closed.
    first, last = 0, rings * sectors
    faces = torch.where(faces < sectors, first, faces)
    faces = torch.where(faces >= last, last, faces)
    normals = unit.reshape(-1, 3)
    vertices = (normals * radius + torch.tensor(centre, dtype=torch.float64)).float()
    kind = {"open" if lid else "closed": faces}
    return Shape(vertices, normals.float(), **kind)


def box(low: Sequence[float], high: Sequence[float]) -> Shape:
    """A box of twelve triangles."""
    unit = torch.tensor([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
    faces = [face for q in _QUADS for face in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))]
    corner, size = torch.tensor(low), torch.tensor(high) - torch.tensor(low)
    normals = torch.nn.functional.normalize(2 * unit - 1, dim=1)
    return Shape(corner + unit * size, normals, torch.tensor(faces))


def together(*shapes: Shape) -> Shape:
    """Several shapes as one."""
    first = list(accumulate((len(shape.vertices) for shape in shapes), initial=0))
    return Shape(
        torch.cat([shape.vertices for shape in shapes]),
        torch.cat([shape.normals for shape in shapes]),
        torch.cat([shape.closed + n for shape, n in zip(shapes, first, strict=False)]),
        torch.cat([shape.open + n for shape, n in zip(shapes, first, strict=False)]),
    )


def people_of(
    *shapes: Shape,
    uvs: torch.Tensor | None = None,
    texture: torch.Tensor | None = None,
    joints: torch.Tensor | None = None,
    is_card: bool = False,
) -> People:
    """A person of each shape, white or with one texture.

    Args:
        shapes: At least one.
        uvs: (V, 2) of all vertices.
        texture: (4, S, S) uint8, rows from the bottom up.
        joints: (P, J, 3).
        is_card: Drawn where the texture is opaque.
    """
    all_of_them = together(*shapes)
    first = list(accumulate((len(shape.vertices) for shape in shapes), initial=0))
    starts = list(zip(shapes, first, strict=False))
    drawn = [torch.cat([shape.closed, shape.open]) + n for shape, n in starts]
    faces = torch.cat(drawn)
    count = len(shapes)
    if uvs is None:
        uvs = torch.zeros(len(all_of_them.vertices), 2)
    number = -1 if texture is None else 0
    if texture is None:
        texture = torch.full((4, 2, 2), 255, dtype=torch.uint8)
    sizes = torch.tensor([len(part) for part in drawn])
    return People(
        vertices=all_of_them.vertices,
        rest=all_of_them.vertices,
        normals=all_of_them.normals,
        first_vertex=tuple(first),
        faces=faces,
        face_uvs=uvs[faces],
        face_part=torch.arange(count).repeat_interleave(sizes),
        paints=stack_paints([Paint((1.0, 1.0, 1.0), 1.0)] * count, [number] * count),
        normal_map=torch.full((count,), -1),
        is_card=torch.full((count,), is_card),
        textures=texture[None],
        closed_faces=all_of_them.closed,
        open_faces=all_of_them.open,
        body_faces=all_of_them.closed,
        joints=torch.zeros(count, 0, 3) if joints is None else joints,
        stature_m=torch.ones(count),
    )
