"""A batch of posed people: what is drawn of them and what is solid, in one list each."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.synthetic.paint import Paints


@dataclass(frozen=True)
class People:
    """Posed, clothed people in person space: metres, y up, facing +z, the pelvis at the origin.

    All faces index into the vertices of the whole batch; a person's vertices are one range.
    """

    vertices: torch.Tensor
    """(V, 3)."""
    rest: torch.Tensor
    """(V, 3) the same vertices before posing, for patterns that stick to the cloth."""
    normals: torch.Tensor
    """(V, 3) smooth, outward."""
    first_vertex: tuple[int, ...]
    """Of each person, and the number of all: P + 1 numbers."""
    faces: torch.Tensor
    """(F, 3) what is drawn."""
    face_uvs: torch.Tensor
    """(F, 3, 2)."""
    face_part: torch.Tensor
    """(F,) row of ``paints``."""
    paints: Paints
    """Material of every part of every person."""
    normal_map: torch.Tensor
    """(parts,) index into ``textures`` of each part's normal map, -1 for none."""
    is_card: torch.Tensor
    """(parts,) bool: drawn where its texture is opaque, from both sides (hair, brows)."""
    textures: torch.Tensor
    """(T, 4, S, S) uint8, rows from the bottom up."""
    closed_faces: torch.Tensor
    """(C, 3) closed, outward-facing surfaces; whatever is inside any of them is solid."""
    open_faces: torch.Tensor
    """(O, 3) open surfaces (hair), solid where their winding number is above one half."""
    body_faces: torch.Tensor
    """(B, 3) the body without clothes; none for a scan."""
    joints: torch.Tensor
    """(P, J, 3) joints of the body; NaN where they are not known."""
    stature_m: torch.Tensor
    """(P,) height of the unclothed body, standing upright."""
    colours: torch.Tensor | None = None
    """(V, 3) in [0, 1] that the albedo is multiplied by, as scans have them; None for none."""

    def __len__(self) -> int:
        return len(self.first_vertex) - 1

    @property
    def person_of_vertex(self) -> torch.Tensor:
        """(V,) which person each vertex belongs to."""
        first = torch.tensor(self.first_vertex, device=self.vertices.device)
        return torch.repeat_interleave(torch.arange(len(self), device=first.device), first.diff())

    def vertices_of(self, person: int) -> torch.Tensor:
        """Vertices (v, 3) of one person."""
        return self.vertices[self.first_vertex[person] : self.first_vertex[person + 1]]

    def faces_of(self, faces: torch.Tensor, person: int) -> torch.Tensor:
        """Those of ``faces`` (F, 3) that belong to one person, into its own vertices."""
        low, high = self.first_vertex[person], self.first_vertex[person + 1]
        mine = (faces[:, 0] >= low) & (faces[:, 0] < high)
        return faces[mine] - low
