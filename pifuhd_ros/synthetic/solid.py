"""Which points lie inside people, and where the surface of the solid is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.geometry.rasterize import cover
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.winding import WindingNumber

REACH_M = 1.7
"""Nothing of a person lies farther from the pelvis along any axis."""
_SIDE_TEST_M = 0.002


@dataclass(frozen=True)
class Boundary:
    """Points on the outer surface of the solids, where inside and outside meet."""

    points: torch.Tensor
    """(N, 3) metres, person space."""
    normals: torch.Tensor
    """(N, 3) unit, outward."""
    corners: torch.Tensor
    """(N, 3, 3) of the triangle that each lies on."""
    person: torch.Tensor
    """(N,)."""


class _Lines:
    """Crossings of the closed surfaces with a grid of lines along one axis.

    The winding number of a closed surface at a point is the signed count of its crossings along any
    ray: one pass of the rasteriser gives every crossing of every line.
    """

    def __init__(self, people: People, axis: int, cell_m: float) -> None:
        self.axis = axis
        self._cell_m = cell_m
        self._side = 2 * round(REACH_M / cell_m) + 1
        across = [(axis + 1) % 3, (axis + 2) % 3]
        self._across = across
        vertices = people.vertices
        raster = torch.cat(
            [(vertices[:, across] + REACH_M) / cell_m, vertices[:, axis : axis + 1]], 1
        )
        image = people.person_of_vertex[people.closed_faces[:, 0]]
        hits = cover(raster, people.closed_faces, self._side, self._side, image)
        self._keys, order = self._key(hits.pixel, hits.depth).sort()
        self._face = hits.face[order]
        self._line, self._depth = hits.pixel[order], hits.depth[order]
        # Rows count upwards here: mirrored, so that fronts look like backs. Entering at a face that
        # looks to -axis.
        step = torch.where(hits.is_front[order], 1, -1)
        zero = torch.zeros(1, dtype=torch.int64, device=step.device)
        self._total = torch.cat([zero, step.cumsum(0)])

    def _key(self, line: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        """Sorted by line, then by depth."""
        return line.double() + (depth.double() + 2 * REACH_M) / (4 * REACH_M)

    def snap(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, 3) moved onto the nearest lines."""
        moved = points.clone()
        moved[:, self._across] = (points[:, self._across] / self._cell_m).round() * self._cell_m
        return moved

    def winding(self, points: torch.Tensor, person: torch.Tensor) -> torch.Tensor:
        """Winding numbers (N,) at points on lines, which ``snap`` gives."""
        cell = ((points[:, self._across] + REACH_M) / self._cell_m).round().long()
        line = (person * self._side + cell[:, 1]) * self._side + cell[:, 0]
        before = torch.searchsorted(self._keys, line.double())
        upto = torch.searchsorted(self._keys, self._key(line, points[:, self.axis]))
        return self._total[upto] - self._total[before]

    def boundary(self, people: People) -> Boundary:
        """Crossings at which the solid begins or ends, of faces that look along the lines most."""
        first = self._total[torch.searchsorted(self._keys, self._line.double())]
        before, after = self._total[:-1] - first, self._total[1:] - first
        corners = people.vertices[people.closed_faces[self._face]]
        cross = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = torch.nn.functional.normalize(cross, dim=1)
        steep = normals[:, self.axis].abs() > 0.577
        keep = torch.nonzero(((before > 0) != (after > 0)) & steep)[:, 0]
        cell = self._line[keep] % self._side**2
        points = torch.zeros(len(keep), 3, device=corners.device)
        across = torch.stack([cell % self._side, cell // self._side], 1)
        points[:, self._across] = across * self._cell_m - REACH_M
        points[:, self.axis] = self._depth[keep]
        person = self._line[keep] // self._side**2
        return Boundary(points, normals[keep], corners[keep], person)


class Solid:
    """The solids of a batch of people: the union of what is closed, and the hair."""

    def __init__(self, people: People, cell_m: float = 0.004) -> None:
        """
        Args:
            people: Whose.
            cell_m: Distance of the lines along z on which points are tested.
        """
        self._people = people
        self._cell_m = cell_m
        self._upright = _Lines(people, 2, cell_m)

    def snap(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, 3) moved in x and y, by half a cell at most, to where they can be tested."""
        return self._upright.snap(points)

    def contains(self, points: torch.Tensor, person: torch.Tensor) -> torch.Tensor:
        """Which snapped points (N, 3) lie inside their person (N,).

        Hair is open: its generalized winding number is summed face by face, in its own box.
        """
        inside = self._upright.winding(points, person) > 0
        for who in range(len(self._people)):
            hair = self._open_triangles(who)
            if len(hair):
                flat = hair.reshape(-1, 3)
                near = ((points > flat.amin(0) - 0.01) & (points < flat.amax(0) + 0.01)).all(1)
                unsure = torch.nonzero(near & ~inside & (person == who))[:, 0]
                inside[unsure] = WindingNumber(hair).at(points[unsure]) > 0.5
        return inside

    def _open_triangles(self, person: int) -> torch.Tensor:
        people = self._people
        return people.vertices_of(person)[people.faces_of("open_faces", person)]

    def boundary(self, spacing_m: float = 0.006) -> Boundary:
        """Points on the outer surface, about ``spacing_m`` apart; hair twice as far."""
        parts = [_Lines(self._people, axis, spacing_m).boundary(self._people) for axis in range(3)]
        parts += [self._hair_boundary(who, 2 * spacing_m) for who in range(len(self._people))]
        return Boundary(
            *(torch.cat([getattr(part, name) for part in parts]) for name in vars(parts[0]))
        )

    def _hair_boundary(self, person: int, spacing_m: float) -> Boundary:
        """Middles of hair faces with one side inside and one outside, thinned out."""
        hair = self._open_triangles(person)
        middles = hair.mean(1)
        # One face a cell: the first, whatever the device.
        cells = (middles / spacing_m).round().long() + 2048
        key = (cells[:, 0] * 4096 + cells[:, 1]) * 4096 + cells[:, 2]
        _, inverse = torch.unique(key, return_inverse=True)
        number = torch.arange(len(key), device=key.device)
        count = int(inverse.max()) + 1 if len(key) else 0
        first = torch.full((count,), len(key), device=key.device).scatter_reduce(
            0, inverse, number, "amin"
        )
        corners, middles = hair[first], middles[first]
        cross = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = torch.nn.functional.normalize(cross, dim=1)
        who = torch.full((len(first),), person, device=key.device)
        sides = [
            self.contains(self.snap(middles + sign * _SIDE_TEST_M * normals), who)
            for sign in (1, -1)
        ]
        normals = torch.where(sides[0][:, None], -normals, normals)
        keep = sides[0] != sides[1]
        return Boundary(middles[keep], normals[keep], corners[keep], who[keep])
