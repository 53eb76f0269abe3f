"""The best, the median and the worst person in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pifuhd_ros.evaluation.contact_sheet import (
    TILE_PX,
    Picture,
    SheetRow,
    image_colours,
    normal_colours,
    save_contact_sheet,
    with_box,
)
from pifuhd_ros.evaluation.evaluate import Case, PersonOutcome
from pifuhd_ros.evaluation.measurement import Measurement
from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.evaluation.photo_space import resample
from pifuhd_ros.evaluation.scores import PersonScores
from pifuhd_ros.types import Mesh, SurfaceError

TITLES = (
    "photo, and what is cropped",
    "what the systems see",
    "true normals, front",
    "estimated",
    "mesh, front",
    "true normals, back",
    "estimated",
    "mesh, back",
    "mesh, from its left",
)

ALBEDO_TITLES = (
    "true albedo, front",
    "estimated",
    "true albedo, back",
    "estimated",
)
"""Of the further columns for systems that know an albedo."""


def pick_people(outcomes: Sequence[PersonOutcome], system: int = 0) -> list[tuple[str, int]]:
    """The best, the median and the worst person by chamfer distance, those of them that differ.

    Args:
        outcomes: of all people.
        system: number of the system that is ranked.

    Returns:
        Rank and number of the person.
    """
    chamfer_cm: dict[int, float] = {}
    for number, outcome in enumerate(outcomes):
        result = outcome.results[system]
        if isinstance(result, PersonScores):
            chamfer_cm[number] = result.unaligned.chamfer_cm
    ranked = sorted(chamfer_cm, key=lambda number: chamfer_cm[number])
    if len(ranked) < 3:
        return [(f"{place + 1}.", number) for place, number in enumerate(ranked)]
    middle = (len(ranked) - 1) // 2
    return [("best", ranked[0]), ("median", ranked[middle]), ("worst", ranked[-1])]


def save_cases(measurement: Measurement, outcomes: Sequence[PersonOutcome], path: Path) -> None:
    """Reconstruct the best, the median and the worst person again, and draw them.

    Raises:
        SurfaceError: there is no shape of anyone.
    """
    cases = []
    for rank, number in pick_people(outcomes):
        case = measurement.case(number)
        if isinstance(case, Case):
            cases.append((rank, case))
    if not cases:
        raise SurfaceError("no person has a shape that could be drawn")
    save_sheet(cases, path)


def save_sheet(cases: Sequence[tuple[str, Case]], path: Path) -> None:
    """Draw a row for each case.

    Args:
        cases: rank and case, at least one.
        path: of the PNG; its folder is made.
    """
    tiles = [[*_tiles(case), *_albedo_tiles(case)] for _, case in cases]
    captions = [[f"{rank}: {_figures(case)}"] for rank, case in cases]
    titles = (*TITLES, *ALBEDO_TITLES)[: len(tiles[0])]
    save_contact_sheet(titles, list(map(SheetRow, tiles, captions)), path)


def _tiles(case: Case) -> list[Picture]:
    crop, truth, estimated = case.given.crop, case.truth, case.prediction.normals
    size = crop.mask.shape[-1]
    corners = crop.image_from_crop @ np.array([[0, 0, 1], [size - 1, size - 1, 1]]).T
    mesh = case.prediction.mesh
    drawn = render_normals(mesh, 2 * TILE_PX)
    from_left = render_normals(_turned_left(mesh), 2 * TILE_PX)
    maps = (
        resample(truth.normals.front, crop.image_from_crop, size, size),
        estimated.front,
        drawn.front,
        resample(truth.normals.back, crop.image_from_crop, size, size),
        estimated.back,
        drawn.back,
        from_left.front,
    )
    return [
        with_box(truth.photo.rgb, corners[:2].T.ravel()),
        image_colours(crop.image),
        *(normal_colours(normals) for normals in maps),
    ]


def _albedo_tiles(case: Case) -> list[Picture]:
    """None where the true or the estimated albedo is not known."""
    true, estimated, crop = case.truth.albedo, case.prediction.albedo, case.given.crop
    if true is None or estimated is None:
        return []
    size = crop.mask.shape[-1]
    images = (
        resample(true.front, crop.image_from_crop, size, size),
        estimated.front,
        resample(true.back, crop.image_from_crop, size, size),
        estimated.back,
    )
    return [image_colours(image) for image in images]


def _figures(case: Case) -> str:
    scores = case.scores
    text = (
        f"{scores.person}: chamfer {scores.unaligned.chamfer_cm:.2f} cm "
        f"(after ICP {scores.icp.chamfer_cm:.2f}), IoU {scores.unaligned.iou:.3f}, "
        f"normal maps {scores.normal_error_front_deg:.1f} and "
        f"{scores.normal_error_back_deg:.1f} deg"
    )
    return text if case.given.record.detected else text + "; cropped by the true mask"


def _turned_left(mesh: Mesh) -> Mesh:
    """The mesh turned about y so that the camera sees the person's left side."""
    turn = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]], np.float32)
    return Mesh(mesh.vertices @ turn.T, mesh.faces)
