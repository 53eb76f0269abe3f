"""Colours for the vertices that have none, from those that have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from pifuhd_ros.types.mesh import Mesh

# Decides only where the surface leads to no known colour; elsewhere it must not be felt.
_PULL_TO_NEAREST = 1e-4


def fill_colors(
    mesh: Mesh, colors: npt.NDArray[np.uint8], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """Spread known colours over the rest of a surface, as smoothly as it goes.

    An unknown colour is the mean of those of its neighbours along the edges, so that a sleeve
    takes nothing from the trousers it hangs beside. A piece of the surface without any known
    colour takes that of the nearest vertex in space.

    Args:
        mesh: in any space.
        colors: (V, 3) sRGB; what it holds at unknown vertices is not looked at.
        known: (V,) at least one True.

    Returns:
        (V, 3) sRGB.
    """
    if known.all():
        return colors
    _, nearest = cKDTree(mesh.vertices[known]).query(mesh.vertices[~known])
    nearest_colors = colors[known][nearest].astype(np.float64)

    count = len(mesh.vertices)
    start, end = mesh.faces.ravel(), np.roll(mesh.faces, -1, axis=1).ravel()
    links = coo_matrix((np.ones(len(start)), (start, end)), (count, count)).tocsr()
    links = links.maximum(links.T)[~known]
    weights = np.asarray(links.sum(axis=1)).ravel() + _PULL_TO_NEAREST
    system = (diags(weights) - links[:, ~known]).tocsc()
    target = links[:, known] @ colors[known].astype(np.float64) + _PULL_TO_NEAREST * nearest_colors
    smooth = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(target)

    filled = colors.copy()
    filled[~known] = np.round(np.clip(smooth, 0, 255)).astype(np.uint8)
    return filled
