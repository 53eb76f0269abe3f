"""The figures of the PIFu papers, by the formula of their published code.

What ``MeshEvaluator`` in ``lib/evaluator.py`` of the published PIFuHD code computes, and with it
the tables of PIFuHD: 10,000 random samples; the distance of each to the other mesh itself; the
normals of both meshes drawn orthographically from four sides at 512 x 512 pixels. These figures
stand beside the papers' in kind only: theirs are of scans that few may use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.evaluation.point_to_mesh import distances_to_mesh
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.types import Mesh, NormalMaps

LEGACY_SAMPLES = 10_000
"""On each surface."""
LEGACY_PX = 512
"""Side of the drawn normal maps."""
LEGACY_FRAME_CM = 256 / 1.3
"""What the maps show from side to side: 256 units of 1 / 1.3 cm."""


@dataclass(frozen=True)
class LegacyScores:
    """The three columns of the papers' tables."""

    pred_to_gt_cm: float
    """"P2S": mean distance from 10k samples of the prediction to the true mesh."""
    chamfer_cm: float
    """Mean of that and of the mean distance from 10k samples of the truth to the prediction."""
    normal_l2: float
    """"Normal": the squared difference of the unit normals as drawn from 0, 90, 180 and 270
    degrees, meaned over views and all pixels. Background is the vector (1, 1, 1), which is the
    published renderer's white; so a silhouette that differs counts too."""


def legacy_scores(
    pred: Mesh,
    gt: Mesh,
    metres_per_unit: float,
    samples: int = LEGACY_SAMPLES,
    seed: int = 0,
) -> LegacyScores:
    """Measure by the published formula.

    Args:
        pred: the predicted mesh.
        gt: the true one, in the same space, y up.
        metres_per_unit: size of that space's unit.
        samples: on each surface.
        seed: of the samples.

    Returns:
        Figures in centimetres, and the error of the drawn normals.

    Raises:
        SurfaceError: a mesh is empty, has no area, or is not finite.

    Source:
        Saito et al., PIFuHD, CVPR 2020, section 5 and ``lib/evaluator.py`` of its published code:
        P2S = mean_i min_q |p_i - q|, chamfer = (P2S + S2P) / 2,
        normal = 4 mean_views mean_pixels |c_pred - c_gt|^2 with colours c = (n + 1) / 2.
    """
    cm = 100.0 * metres_per_unit
    pred_to_gt = distances_to_mesh(sample_surface(pred, samples, seed).points, gt).mean()
    gt_to_pred = distances_to_mesh(sample_surface(gt, samples, seed + 1).points, pred).mean()
    return LegacyScores(
        pred_to_gt_cm=cm * float(pred_to_gt),
        chamfer_cm=cm * 0.5 * float(pred_to_gt + gt_to_pred),
        normal_l2=_normal_l2(pred, gt, 0.5 * LEGACY_FRAME_CM / cm),
    )


def _normal_l2(pred: Mesh, gt: Mesh, half_frame: float) -> float:
    """Args: both meshes, and half of what the maps show, in their unit."""
    low, high = gt.vertices.min(axis=0), gt.vertices.max(axis=0)
    centre = np.array([*(0.5 * (low + high))[:2], 0.0])
    errors = []
    for turn in (0, 1):
        first, second = (_drawn(mesh, centre, half_frame, turn) for mesh in (pred, gt))
        for a, b in zip(first, second, strict=True):
            errors.append(float((a - b).square().sum(dim=0).mean()))
    return float(np.mean(errors))


def _drawn(
    mesh: Mesh, centre: npt.NDArray[np.float64], half_frame: float, quarter_turns: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two opposite views (3, S, S), each in its own camera's axes, white where the mesh is not."""
    vertices = (mesh.vertices - centre) / half_frame
    if quarter_turns:
        vertices = vertices[:, [2, 1, 0]] * np.array([1, 1, -1])
    maps: NormalMaps = render_normals(Mesh(vertices.astype(np.float32), mesh.faces), LEGACY_PX)
    # Seen from behind x and z point the other way; where a pixel lies does not matter here.
    from_behind = maps.back * torch.tensor([-1.0, 1.0, -1.0])[:, None, None]
    return _over_white(maps.front), _over_white(from_behind)


def _over_white(normals: torch.Tensor) -> torch.Tensor:
    is_set = (normals != 0).any(dim=0, keepdim=True)
    return torch.where(is_set, normals, torch.ones_like(normals))
