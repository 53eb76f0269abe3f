"""What a system must beat: two shapes that take nothing from the picture but its silhouette."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.types import Mesh, NoPersonError, PersonCrop


def mean_body(body: BodyModel) -> Mesh:
    """The body of mean shape in its rest pose (arms held away from the trunk), without helpers.

    Returns:
        A closed mesh in metres, standing along y and facing +z, the pelvis at z = 0 as in all
        people of the evaluation.
    """
    used, faces = np.unique(body.faces.cpu().numpy(), return_inverse=True)
    mean = body.mean.cpu().numpy().astype(np.float32)
    pelvis = mean[body.vertex_count + body.bones.index("spine05")]
    vertices = mean[used] - np.array([0, 0, pelvis[2]], np.float32)
    return Mesh(vertices, faces.reshape(-1, 3).astype(np.int64))


def fit_body(body: Mesh, crop: PersonCrop) -> Mesh:
    """A body facing the camera, scaled and moved to the box of the silhouette.

    One scale for all axes, from the box's height; seen from the front, the centre of the body's own
    box goes to the centre of the silhouette's box.

    Args:
        body: standing along y, facing +z, in any unit; its z = 0 goes to depth 0.
        crop: of which only the mask is used.

    Returns:
        The body in model space.

    Raises:
        NoPersonError: the mask is empty.
    """
    inside = _silhouette(crop)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    pixel = 2.0 / (len(inside) - 1)
    height = (rows[-1] - rows[0] + 1) * pixel
    centre = np.array(
        [(columns[0] + columns[-1]) / 2 * pixel - 1, 1 - (rows[0] + rows[-1]) / 2 * pixel, 0.0]
    )
    vertices = body.vertices.astype(np.float64)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle = (low + high) / 2 * (1, 1, 0)
    fitted = (vertices - middle) * (height / (high[1] - low[1])) + centre
    return Mesh(fitted.astype(np.float32), body.faces, body.normals)


def inflate_silhouette(crop: PersonCrop) -> Mesh:
    """The silhouette blown up like a balloon, the same to the front and to the back.

    The square of the half thickness solves the Poisson equation lap(z^2) = -2 inside the
    silhouette with z = 0 around it. So a long limb, of whatever width, gets exactly a circular
    cross-section, and wider parts blend into it without seams.

    Args:
        crop: of which only the mask is used.

    Returns:
        A closed mesh in model space, two vertices a pixel, around depth 0.

    Raises:
        NoPersonError: the mask is empty.

    Source:
        Joshi and Carr, Repoussé: automatic inflation of 2D artwork, 2008 (inflation by Poisson's
        equation).
    """
    inside = np.pad(_silhouette(crop), 1)
    size = len(inside) - 2
    half_thickness = np.sqrt(_solve_poisson(inside)) * (2.0 / (size - 1))
    return _close_height_field(inside, half_thickness, size)


def _silhouette(crop: PersonCrop) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = crop.mask.cpu().numpy() > 0.5
    if not inside.any():
        raise NoPersonError("the crop's mask is empty: there is no silhouette to fit to")
    return inside


def _solve_poisson(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Five-point solution of lap(w) = -2, w = 0 outside; in pixels squared."""
    rows, columns = np.nonzero(inside)
    number = np.full(inside.shape, -1)
    number[rows, columns] = np.arange(len(rows))
    matrix = sparse.diags([np.full(len(rows), 4.0)], [0], format="csr")
    for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        neighbour = number[rows + down, columns + right]
        is_inside = neighbour >= 0
        here = np.flatnonzero(is_inside)
        matrix -= sparse.csr_matrix(
            (np.ones(len(here)), (here, neighbour[is_inside])), shape=matrix.shape
        )
    solved = np.zeros(inside.shape)
    solved[rows, columns] = spsolve(matrix.tocsc(), np.full(len(rows), 2.0))
    return solved.clip(min=0.0)


def _close_height_field(
    inside: npt.NDArray[np.bool_], half_thickness: npt.NDArray[np.float64], size: int
) -> Mesh:
    """Front and back sheet over the pixels inside, joined in the pixels just outside.

    Args:
        inside: (size + 2, size + 2), one empty pixel around the crop.
        half_thickness: same shape, model units, zero outside.
        size: pixels of the crop's side.
    """
    used = ndimage.binary_dilation(inside, np.ones((3, 3), bool))
    rows, columns = np.nonzero(used)
    pixel = 2.0 / (size - 1)
    x, y = (columns - 1) * pixel - 1, 1 - (rows - 1) * pixel
    z = half_thickness[rows, columns]
    front = np.full(inside.shape, -1)
    front[rows, columns] = np.arange(len(rows))
    is_inside = inside[rows, columns]
    back_of = np.arange(len(rows))
    back_of[is_inside] = len(rows) + np.arange(int(is_inside.sum()))

    top_left, top_right = front[:-1, :-1], front[:-1, 1:]
    low_left, low_right = front[1:, :-1], front[1:, 1:]
    triangles = np.concatenate(
        [
            np.stack([top_left, low_left, low_right], axis=-1).reshape(-1, 3),
            np.stack([top_left, low_right, top_right], axis=-1).reshape(-1, 3),
        ]
    )
    triangles = triangles[(triangles >= 0).all(axis=1)]
    # Where no corner is inside, both sheets would coincide.
    triangles = triangles[is_inside[triangles].any(axis=1)]
    vertices = np.concatenate(
        [np.stack([x, y, z], axis=1), np.stack([x, y, -z], axis=1)[is_inside]]
    )
    faces = np.concatenate([triangles, back_of[triangles][:, ::-1]])
    return Mesh(vertices.astype(np.float32), faces.astype(np.int64))
