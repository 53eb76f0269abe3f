"""A batch of posed people: what is drawn of them and what is solid, in one list each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal, get_args

import torch

from pifuhd_ros.synthetic.paint import Paints

FaceKind = Literal["faces", "closed_faces", "open_faces", "body_faces"]
"""The lists of faces in ``People``."""


@dataclass(frozen=True)
class People:
    """Posed, clothed people in person space: metres, y up, facing +z, the pelvis at the origin.

    All faces index into the vertices of the whole batch; a person's vertices are one range, and so
    are its faces of every kind, in the order of the people.
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

    def face_range(self, kind: FaceKind, person: int) -> tuple[int, int]:
        """The first face of one person, and the first one after its last."""
        first = self._first_faces[kind]
        return first[person], first[person + 1]

    def faces_of(self, kind: FaceKind, person: int) -> torch.Tensor:
        """Faces (f, 3) of one person, into its own vertices."""
        low, high = self.face_range(kind, person)
        faces: torch.Tensor = getattr(self, kind)
        return faces[low:high] - self.first_vertex[person]

    @cached_property
    def _first_faces(self) -> dict[FaceKind, list[int]]:
        """Of each person among the faces of each kind, and the number of all."""
        first = torch.tensor(self.first_vertex[1:], device=self.vertices.device)
        result: dict[FaceKind, list[int]] = {}
        for kind in get_args(FaceKind):
            person = torch.bucketize(getattr(self, kind)[:, 0].contiguous(), first, right=True)
            counts = torch.bincount(person, minlength=len(self)).tolist()
            result[kind] = [0, *accumulate(counts)]
        return result
