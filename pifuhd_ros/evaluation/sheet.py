"""The best, the median and the worst person in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from pifuhd_ros.evaluation.evaluate import Case
from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.types import Mesh

TILE_PX = 320
CAPTION_PX = 24
_TITLES = (
    "image",
    "true normals, front",
    "estimated",
    "mesh, front",
    "true normals, back",
    "estimated",
    "mesh, back",
    "mesh, from its left",
)


def pick_cases(cases: Sequence[Case]) -> list[tuple[str, Case]]:
    """The best, the median and the worst case by chamfer distance, those of them that differ."""
    ranked = sorted(cases, key=lambda case: case.scores.unaligned.chamfer_cm)
    if len(ranked) < 3:
        return [(f"{place + 1}.", case) for place, case in enumerate(ranked)]
    middle = (len(ranked) - 1) // 2
    return [("best", ranked[0]), ("median", ranked[middle]), ("worst", ranked[-1])]


def save_sheet(cases: Sequence[Case], path: Path) -> None:
    """Draw a row for the best, the median and the worst case.

    Args:
        cases: at least one.
        path: of the PNG; its folder is made.
    """
    from PIL import Image, ImageDraw

    picked = pick_cases(cases)
    if not picked:
        raise ValueError("there is no case to draw")
    row_px = TILE_PX + CAPTION_PX
    sheet = Image.new("RGB", (TILE_PX * len(_TITLES), CAPTION_PX + row_px * len(picked)), "white")
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(_TITLES):
        pen.text((column * TILE_PX + 6, 6), title, fill="black")
    for row, (rank, case) in enumerate(picked):
        top = CAPTION_PX + row * row_px
        for column, tile in enumerate(_tiles(case)):
            image = Image.fromarray(tile).resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
            sheet.paste(image, (column * TILE_PX, top))
        pen.text((6, top + TILE_PX + 6), f"{rank}: {_figures(case)}", fill="black")
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _tiles(case: Case) -> list[npt.NDArray[np.uint8]]:
    crop, truth, estimated = case.truth.crop, case.truth.normals, case.prediction.normals
    mesh = case.prediction.mesh
    drawn = render_normals(mesh, 2 * TILE_PX)
    from_left = render_normals(_turned_left(mesh), 2 * TILE_PX)
    image = (crop.image.clamp(0, 1).permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)
    maps = (truth.front, estimated.front, drawn.front, truth.back, estimated.back, drawn.back)
    return [image, *(_normal_colours(normals) for normals in (*maps, from_left.front))]


def _figures(case: Case) -> str:
    scores = case.scores
    return (
        f"{scores.person}: chamfer {scores.unaligned.chamfer_cm:.2f} cm "
        f"(after ICP {scores.icp.chamfer_cm:.2f}), IoU {scores.unaligned.iou:.3f}, "
        f"normal maps {scores.normal_error_deg:.1f} deg"
    )


def _turned_left(mesh: Mesh) -> Mesh:
    """The mesh turned about y so that the camera sees the person's left side."""
    turn = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]], np.float32)
    return Mesh(mesh.vertices @ turn.T, mesh.faces)


def _normal_colours(normals: torch.Tensor) -> npt.NDArray[np.uint8]:
    """The usual colours of a normal map; white where it is zero."""
    unit = torch.nn.functional.normalize(normals, dim=0)
    is_set = (unit.abs().sum(dim=0) > 0)[None]
    shown = torch.where(is_set, unit * 0.5 + 0.5, torch.ones_like(unit))
    pixels: npt.NDArray[np.uint8] = (
        (shown * 255).round().permute(1, 2, 0).cpu().numpy().astype(np.uint8)
    )
    return pixels
