"""The true solid of a generated person, asked and measured apart from what training uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.evaluation.solid import mesh_occupancy, require_solid
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.placement import Placement
from pifuhd_ros.synthetic.winding import WindingNumber
from pifuhd_ros.types import Mesh

_SIDE_TEST_M = 0.002
"""A face belongs to the outer surface where so far off it one side is inside and one outside."""


@dataclass(frozen=True)
class PersonSolid:
    """The union of a person's closed surfaces and of the hair, in photo space."""

    closed: Mesh
    """Body and clothes, each closed, skirts and sleeves filled; they overlap."""
    hair: Mesh
    """Open cards on the same vertices; inside is where their winding number is above one half."""
    units_per_m: float
    """Units of photo space in a metre."""

    @staticmethod
    def of(people: People, person: int, placement: Placement) -> PersonSolid:
        """The solid of one person before the camera, without the camera's perspective.

        Raises:
            SurfaceError: the person's surfaces are not closed.
        """
        turned = people.vertices_of(person) @ placement.rotation.T - placement.centre_m
        vertices = (turned * placement.scale).cpu().numpy().astype(np.float32)
        closed = Mesh(vertices, people.faces_of("closed_faces", person).cpu().numpy())
        require_solid(closed)
        hair = Mesh(vertices, people.faces_of("open_faces", person).cpu().numpy())
        return PersonSolid(closed, hair, placement.scale)

    def contains(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which points (N, 3) are inside."""
        inside = mesh_occupancy(self.closed, points)
        if len(self.hair.faces):
            cards = self.hair.vertices[self.hair.faces]
            low, high = cards.min(axis=(0, 1)), cards.max(axis=(0, 1))
            unsure = np.flatnonzero(~inside & ((points > low) & (points < high)).all(axis=1))
            hair = WindingNumber(torch.from_numpy(cards))
            winding = hair.at(torch.from_numpy(points[unsure]).float())
            inside[unsure] = (winding > 0.5).numpy()
        return inside

    def outer_surface(self) -> Mesh:
        """The faces that separate inside from outside, judged at their middles, turned outward.

        What lies under clothes or deep in the hair is no part of it.
        """
        vertices = self.closed.vertices
        faces = np.concatenate([self.closed.faces, self.hair.faces])
        corners = vertices.astype(np.float64)[faces]
        crosses = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        lengths = np.linalg.norm(crosses, axis=1, keepdims=True)
        normals = crosses / np.maximum(lengths, np.finfo(np.float64).tiny)
        off = _SIDE_TEST_M * self.units_per_m * normals
        middles = corners.mean(axis=1)
        in_front, behind = self.contains(middles + off), self.contains(middles - off)
        # Hair cards have no outside of their own: outward is where it is empty.
        turned = np.where(in_front[:, None], faces[:, ::-1], faces)
        return Mesh(vertices, turned[in_front != behind])
