"""People as plain triangles with a colour at each vertex, fine enough to need no textures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.stages.srgb import linear_from_srgb
from pifuhd_ros.synthetic.paint import albedo_of, sample_textures
from pifuhd_ros.synthetic.people import People

SKIN_EDGE_M, CARD_EDGE_M, CLOTH_EDGE_M = 0.002, 0.0015, 0.003
"""Longest edges after the faces are cut up."""
_OPAQUE = 0.4
"""Hair and brows are where their texture is more opaque, as in the project's own renderer."""
_MAX_CUTS = 64


@dataclass(frozen=True)
class ColouredPart:
    """One material of a person; each vertex belongs to one face of the person."""

    vertices: npt.NDArray[np.float32]
    """(V, 3) person space."""
    normals: npt.NDArray[np.float32]
    """(V, 3) smooth, unit."""
    uvs: npt.NDArray[np.float32]
    """(V, 2)."""
    colours: npt.NDArray[np.float32]
    """(V, 3) linear light in [0, 1]."""
    faces: npt.NDArray[np.int32]
    """(F, 3)."""
    kind: str
    """skin, eyes, card or cloth."""
    normal_map: int
    """Index into the people's textures, -1 for none."""


def coloured_parts(people: People) -> list[ColouredPart]:
    """The drawn parts of a batch of one person; what is transparent is cut away."""
    if len(people) != 1:
        raise ValueError(f"expected one person, got {len(people)}")
    parts = []
    for part in torch.unique(people.face_part).tolist():
        kind = {0: "skin", 1: "eyes"}.get(part, "card" if people.is_card[part] else "cloth")
        parts.append(_part(people, part, kind))
    return [part for part in parts if len(part.faces)]


def _part(people: People, part: int, kind: str) -> ColouredPart:
    mine = torch.nonzero(people.face_part == part)[:, 0]
    edge_m = {"skin": SKIN_EDGE_M, "card": CARD_EDGE_M}.get(kind, CLOTH_EDGE_M)
    source, weights, faces = cut_up(people.vertices[people.faces[mine]], edge_m)
    source = mine[source]

    def mixed(values: torch.Tensor) -> torch.Tensor:
        return (values * weights[..., None]).sum(1)

    corners = people.faces[source]
    uvs = mixed(people.face_uvs[source])
    number = torch.full((len(source),), part)
    albedo = albedo_of(people.paints, people.textures, number, uvs, mixed(people.rest[corners]))
    if kind == "card":
        texture = people.paints.texture[part].expand(len(faces))
        opacity = sample_textures(people.textures, texture, uvs[faces].mean(1))[:, 3]
        faces = faces[opacity > _OPAQUE]
    normals = torch.nn.functional.normalize(mixed(people.normals[corners]), dim=1)
    return ColouredPart(
        vertices=mixed(people.vertices[corners]).numpy(),
        normals=normals.numpy(),
        uvs=uvs.numpy(),
        colours=linear_from_srgb((albedo * 255).round().byte().numpy()),
        faces=faces.int().numpy(),
        kind=kind,
        normal_map=int(people.normal_map[part]),
    )


def cut_up(corners: torch.Tensor, edge_m: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cuts triangles into equal smaller ones.

    Args:
        corners: (F, 3, 3).
        edge_m: no edge is longer afterwards, unless it was 64 times as long.

    Returns:
        For each new vertex the triangle (V,) that it lies in and the weights (V, 3) of that one's
        corners, and the new faces (G, 3), turning as the old ones do.
    """
    longest = (corners - corners.roll(1, 1)).norm(dim=2).amax(1)
    cuts = (longest / edge_m).ceil().clamp(1, _MAX_CUTS).long()
    source, weights, faces, count = [], [], [], 0
    for n in torch.unique(cuts).tolist():
        some = torch.nonzero(cuts == n)[:, 0]
        points, pattern = _grid(n)
        source.append(some.repeat_interleave(len(points)))
        weights.append(points.repeat(len(some), 1))
        first = count + torch.arange(len(some)) * len(points)
        faces.append((pattern + first[:, None, None]).flatten(0, 1))
        count += len(points) * len(some)
    return torch.cat(source), torch.cat(weights), torch.cat(faces)


def _grid(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (P, 3) of the points of a triangle cut n times along each side, and its faces."""
    number = {}
    points = []
    for i in range(n + 1):
        for j in range(n + 1 - i):
            number[i, j] = len(points)
            points.append((n - i - j, i, j))
    faces = []
    for i in range(n):
        for j in range(n - i):
            faces.append((number[i, j], number[i + 1, j], number[i, j + 1]))
            if i + j < n - 1:
                faces.append((number[i + 1, j], number[i + 1, j + 1], number[i, j + 1]))
    return torch.tensor(points) / n, torch.tensor(faces)


def write_ply(part: ColouredPart, path: Path) -> None:
    """A binary PLY with normals, (u, v) and linear colours, as Mitsuba reads it."""
    columns = np.concatenate([part.vertices, part.normals, part.uvs, part.colours], axis=1)
    rows = np.empty(len(part.faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    rows["count"], rows["corners"] = 3, part.faces
    names = ("x", "y", "z", "nx", "ny", "nz", "u", "v", "r", "g", "b")
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(columns)}"]
    header += [f"property float {name}" for name in names]
    header += [f"element face {len(rows)}", "property list uchar int vertex_indices", "end_header"]
    with path.open("wb") as file:
        file.write("\n".join([*header, ""]).encode())
        file.write(columns.astype("<f4").tobytes())
        file.write(rows.tobytes())
