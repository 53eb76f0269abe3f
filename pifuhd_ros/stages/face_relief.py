"""Gives the front of a head the relief of its face.

A head is some twenty pixels wide in what the networks see of a whole person, too few for a nose.
The detector's face mesh sees the photo at its full size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.geometry.mesh_normals import vertex_normals
from pifuhd_ros.geometry.rasterize import rasterize
from pifuhd_ros.stages.face_mesh import face_triangles
from pifuhd_ros.types import Mesh

_CELLS = 112
"""Of the map over the face, along its longer side."""
_RIM = 0.16
"""Over this share of the face's height the relief grows from nothing at its rim; not at the jaw."""
_BELOW = 0.1
"""Over this share of the face's height it ends below the jaw, where the neck lies far behind."""
_BLUR_CELLS = 1.5
"""What changes is blurred by so much: less than a lip, more than the steps of the maps."""
_MOST = 0.25
"""No vertex moves by more than this share of the face's height."""
_WHOLE, _NONE = 0.25, 0.9
"""Shares of the face's height behind the front: up to the first all moves along, beyond the second
nothing does."""
_PIT, _PIT_CELLS = 0.06, 15
"""What is off the median of so many cells by more than this share of the height is no surface of a
face."""
_MIN_SHARE = 0.6
"""So much of the face must lie before the head."""


def sculpt_face(mesh: Mesh, points: torch.Tensor) -> Mesh:
    """The mesh with its face in relief; as it was where the face is not before a head.

    The face mesh tells how deep a face's parts lie beside each other, not where the head is, nor
    how large: so the vertices move along z alone, and the median of the front stays. What lies
    behind the front moves less and less, and no face turns over.

    Args:
        mesh: in a crop's model space.
        points: (468, 3) of the face, see PersonCrop.
    """
    from scipy.ndimage import gaussian_filter

    face = points.cpu().double().numpy()
    low, high = face[:, :2].min(axis=0), face[:, :2].max(axis=0)
    height = float((high - low).max())
    low[1] -= _BELOW * height
    near = np.all((mesh.vertices[:, :2] >= low) & (mesh.vertices[:, :2] <= high), axis=1)
    around = np.any(near[mesh.faces], axis=1)
    grid = _Grid(low, high, height / _CELLS)
    wanted = grid.front(face, face_triangles())
    front = grid.front(mesh.vertices.astype(np.float64), mesh.faces[around])
    both = np.isfinite(wanted) & np.isfinite(front)
    if both.sum() < _MIN_SHARE * np.isfinite(wanted).sum() or not both.any():
        return mesh
    # With the neck in it: without, the chin would be off the median, and count as a pit.
    front = _without_pits(np.where(np.isfinite(front), front, np.median(front[both])), height)
    change = np.where(both, wanted - front, 0)
    change[both] -= np.median(change[both])
    change = np.clip(change, -_MOST * height, _MOST * height)
    nearest, grown = _growing(both)
    change = gaussian_filter(change[nearest], _BLUR_CELLS, mode="nearest") * grown
    rows = np.flatnonzero(near)
    where = mesh.vertices[rows].astype(np.float64)
    behind = grid.at(front, where) - where[:, 2]
    share = np.clip((_NONE * height - behind) / ((_NONE - _WHOLE) * height), 0, 1)
    vertices = mesh.vertices.copy()
    vertices[rows, 2] += (grid.at(change, where) * share).astype(np.float32)
    normals = mesh.normals
    if normals is not None:
        # All faces of a vertex that moves are among those around.
        normals = normals.copy()
        normals[rows] = vertex_normals(vertices, mesh.faces[around])[rows]
    return replace(mesh, vertices=vertices, normals=normals)


@dataclass(frozen=True)
class _Grid:
    """A map over a rectangle of x and y, its rows from the top."""

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    cell: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        columns, rows = (np.ceil((self.high - self.low) / self.cell).astype(int) + 1).tolist()
        return rows, columns

    def _place(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Columns and rows of points (N, 3)."""
        return (
            np.column_stack([points[:, 0] - self.low[0], self.high[1] - points[:, 1]]) / self.cell
        )

    def front(
        self, points: npt.NDArray[np.float64], faces: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """z of a mesh's nearest surface, minus infinity where there is none."""
        placed = torch.from_numpy(np.column_stack([self._place(points), -points[:, 2]]))
        nearest = -rasterize(placed, torch.from_numpy(faces), *self.shape).depth
        result: npt.NDArray[np.float64] = nearest.double().numpy()
        return result

    def at(
        self, values: npt.NDArray[np.float64], points: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Values of the map at points (N, 3) within it."""
        from scipy.ndimage import map_coordinates

        rows_columns = self._place(points).T[::-1]
        result: npt.NDArray[np.float64] = map_coordinates(
            values, rows_columns, order=1, mode="nearest"
        )
        return result


def _without_pits(front: npt.NDArray[np.float64], height: float) -> npt.NDArray[np.float64]:
    """A map of depths where holes and spikes of the surface do not count."""
    from scipy.ndimage import median_filter

    around: npt.NDArray[np.float64] = median_filter(front, _PIT_CELLS, mode="nearest")
    return np.where(np.abs(front - around) < _PIT * height, front, around)


def _growing(
    inside: npt.NDArray[np.bool_],
) -> tuple[tuple[npt.NDArray[np.intp], ...], npt.NDArray[np.float64]]:
    """How much of a relief counts: from 0 at the rim of a region to 1 within it, smoothly.

    At the jaw it is all up to the rim, and ends below: what the networks see of the step from
    there to the neck is a slope, which would leave nothing of a chin.

    Returns:
        For each cell the row and the column of the nearest one inside, and the share.
    """
    from scipy.ndimage import distance_transform_edt

    below = np.pad(np.maximum.accumulate(inside, axis=0), 1)
    below[-1] = below[-2]
    to_rim = distance_transform_edt(below)[1:-1, 1:-1] / _CELLS
    outside, nearest = distance_transform_edt(~inside, return_indices=True)
    share = _smooth_step(to_rim / _RIM) * _smooth_step(1 - outside / _CELLS / _BELOW)
    return tuple(nearest), share


def _smooth_step(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """From 0 to 1, level at both."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)
