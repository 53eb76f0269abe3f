"""The skin with few faces: closed like the whole skin, cheap to test points against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def coarse_skin(
    points: npt.NDArray[np.float32], faces: npt.NDArray[np.int64], spacing: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pulls every vertex to the nearest of a few that stand for it.

    A map of vertices takes a closed surface to a closed one, so the winding number of the result
    is still whole everywhere.

    Args:
        points: (V, 3) [m].
        faces: (F, 3) the closed skin.
        spacing: (V,) how far apart the kept vertices may lie there [m].

    Returns:
        Kept vertices (C,) and faces (G, 3) into them.
    """
    skin = np.unique(faces)
    distance = np.full(len(skin), np.inf)
    nearest = np.zeros(len(skin), np.int64)
    kept: list[int] = []
    pick = 0
    while (distance / spacing[skin]).max() > 1:
        here = np.linalg.norm(points[skin] - points[skin[pick]], axis=1)
        nearest[here < distance] = len(kept)
        distance = np.minimum(distance, here)
        kept.append(int(skin[pick]))
        pick = int((distance / spacing[skin]).argmax())
    place = np.zeros(len(points), np.int64)
    place[skin] = nearest
    mapped = place[faces]
    a, b, c = mapped.T
    mapped = mapped[(a != b) & (b != c) & (c != a)]
    return np.array(kept), mapped
