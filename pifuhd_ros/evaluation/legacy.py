"""The figures of the PIFu papers, by the formula of their published code.

What ``MeshEvaluator`` in ``lib/evaluator.py`` of the published PIFuHD code computes, and with it
the tables of PIFuHD: 10,000 random samples; the distance of each to the other mesh itself; the
normals of both meshes drawn orthographically from four sides at 512 x 512 pixels. These figures
stand beside the papers' in kind only: theirs are of scans that few may use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.evaluation.point_to_mesh import distances_to_mesh
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.types import Mesh

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


@dataclass(frozen=True)
class LegacyTruth:
    """The true mesh and how it looks from four sides, which serves every prediction."""

    mesh: Mesh
    """y up."""
    metres_per_unit: float
    """Size of its space's unit."""
    views: tuple[torch.Tensor, ...]
    """Four (3, S, S), see ``draw_sides``."""

    @staticmethod
    def of(mesh: Mesh, metres_per_unit: float) -> LegacyTruth:
        """Draw a mesh.

        Raises:
            SurfaceError: it is empty.
        """
        return LegacyTruth(mesh, metres_per_unit, draw_sides(mesh, mesh, metres_per_unit))


def legacy_scores(
    pred: Mesh, truth: LegacyTruth, samples: int = LEGACY_SAMPLES, seed: int = 0
) -> LegacyScores:
    """Measure by the published formula.

    Args:
        pred: the predicted mesh, in the space of the true one.
        truth: of the same person.
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
    cm, gt = 100.0 * truth.metres_per_unit, truth.mesh
    pred_to_gt = distances_to_mesh(sample_surface(pred, samples, seed).points, gt).mean()
    gt_to_pred = distances_to_mesh(sample_surface(gt, samples, seed + 1).points, pred).mean()
    views = draw_sides(pred, gt, truth.metres_per_unit)
    errors = [
        float((a - b).square().sum(dim=0).mean()) for a, b in zip(views, truth.views, strict=True)
    ]
    return LegacyScores(
        pred_to_gt_cm=cm * float(pred_to_gt),
        chamfer_cm=cm * 0.5 * float(pred_to_gt + gt_to_pred),
        normal_l2=float(np.mean(errors)),
    )


def draw_sides(mesh: Mesh, gt: Mesh, metres_per_unit: float) -> tuple[torch.Tensor, ...]:
    """Normals from four sides, each in its own camera's axes, white where the mesh is not.

    Args:
        mesh: to draw.
        gt: the true mesh: its middle in x and y, and z = 0, is the middle of the pictures.
        metres_per_unit: size of the unit of both.

    Returns:
        Four (3, LEGACY_PX, LEGACY_PX): from the front, back, and both sides; those from behind are
        mirrored, which no comparison of two of them sees.
    """
    low, high = gt.vertices.min(axis=0), gt.vertices.max(axis=0)
    centre = 0.5 * (low + high) * np.array([1, 1, 0])
    vertices = (mesh.vertices - centre) / (0.005 * LEGACY_FRAME_CM / metres_per_unit)
    # A quarter turn about y.
    turned = vertices[:, [2, 1, 0]] * np.array([1, 1, -1])
    views = []
    for placed in (vertices, turned):
        maps = render_normals(Mesh(placed.astype(np.float32), mesh.faces), LEGACY_PX)
        views += [maps.front, maps.back * torch.tensor([-1.0, 1.0, -1.0])[:, None, None]]
    return tuple(_over_white(view) for view in views)


def _over_white(normals: torch.Tensor) -> torch.Tensor:
    is_set = (normals != 0).any(dim=0, keepdim=True)
    return torch.where(is_set, normals, torch.ones_like(normals))
