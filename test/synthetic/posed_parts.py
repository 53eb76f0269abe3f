"""An exact measure of how deep a posed body runs into itself, by Open3D's signed distance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import open3d as o3d
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pifuhd_ros.body.model import BodyModel

_PREFIXES = {
    "upper_arm": ("upperarm",),
    "forearm": ("lowerarm", "wrist", "metacarpal", "finger"),
    "thigh": ("upperleg",),
    "shin": ("lowerleg", "foot", "toe"),
}
_JOINED = {("trunk", "upper_arm"), ("trunk", "thigh"), ("upper_arm", "forearm"), ("thigh", "shin")}


class PosedParts:
    """The full skin, cut into trunk and limbs, each closed by cones over its rims."""

    def __init__(self, body: BodyModel) -> None:
        names = [body.bones[bone] for bone in body.skin_bones[:, 0].tolist()]
        self._part = np.array([_part(name) for name in names])
        self._crease = np.array([n.startswith(("upperarm01", "upperleg01")) for n in names])
        self._faces = body.faces[(body.faces < 13380).all(1)].numpy()
        self._is_skin = np.zeros(len(names), bool)
        self._is_skin[self._faces] = True

    def depth(self, vertices: npt.NDArray[np.float32]) -> float:
        """The deepest that a limb's vertex lies in a part that it does not hang on [m]."""
        parts = sorted(set(self._part))
        solids = {part: self._closed(vertices, part) for part in parts}
        deepest = 0.0
        for limb in parts:
            for other in parts:
                pair = (limb.split()[0], other.split()[0])
                same_side = limb.split()[-1] == other.split()[-1] or "trunk" in pair
                joined = same_side and (pair in _JOINED or pair[::-1] in _JOINED)
                if limb in ("trunk", other) or (joined and other != "trunk"):
                    continue
                asked = self._is_skin & (self._part == limb)
                if joined or pair == ("thigh", "thigh"):
                    asked &= ~self._crease
                points = vertices[asked]
                corners, faces = solids[other]
                inside_box = (points > corners[faces].min((0, 1))).all(1)
                inside_box &= (points < corners[faces].max((0, 1))).all(1)
                if inside_box.any():
                    distance = _signed_distance(corners, faces, points[inside_box])
                    deepest = max(deepest, -float(distance.min()))
        return deepest

    def _closed(
        self, vertices: npt.NDArray[np.float32], part: str
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        faces = self._faces[(self._part[self._faces] == part).sum(1) >= 2]
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        _, number, count = np.unique(
            np.sort(edges, 1), axis=0, return_inverse=True, return_counts=True
        )
        rim = edges[count[number.reshape(-1)] == 1]
        size = len(vertices)
        graph = coo_matrix((np.ones(len(rim)), (rim[:, 0], rim[:, 1])), shape=(size, size))
        label = connected_components(graph, directed=False)[1][rim[:, 0]]
        corners, all_faces = [vertices], [faces]
        for apex, loop in enumerate(np.unique(label)):
            mine = rim[label == loop]
            corners.append(vertices[np.unique(mine)].mean(0, keepdims=True))
            top = np.full(len(mine), size + apex)
            all_faces.append(np.stack([mine[:, 1], mine[:, 0], top], 1))
        return np.concatenate(corners), np.concatenate(all_faces)


def _part(bone: str) -> str:
    for part, prefixes in _PREFIXES.items():
        if bone.startswith(prefixes):
            return f"{part} {bone[-1]}"
    return "trunk"


def _signed_distance(
    corners: npt.NDArray[np.float32], faces: npt.NDArray[np.int64], points: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(
        o3d.core.Tensor(corners.astype(np.float32)), o3d.core.Tensor(faces.astype(np.uint32))
    )
    query = o3d.core.Tensor(points.astype(np.float32))
    distance: npt.NDArray[np.float32]
    distance = scene.compute_signed_distance(query, nthreads=1, nsamples=5).numpy()
    return distance
