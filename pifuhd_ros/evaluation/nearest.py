"""The search tree for nearest points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree


def search_tree(points: npt.NDArray[np.float64]) -> cKDTree:
    """A tree that answers ``query`` fast for points on a surface.

    Cells halved in the middle, not at the median: between surfaces some centimetres apart this is
    two and a half times as fast as scipy's default.
    """
    return cKDTree(points, balanced_tree=False, compact_nodes=False)
