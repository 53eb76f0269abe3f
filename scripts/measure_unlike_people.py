#!/usr/bin/env python3
"""Measures what a network makes of the photos of render_unlike_people.py, as a table and JSON.

Shapes are compared as ``pifuhd evaluate`` compares them: unaligned, for bodies of 180 cm, cropped
and masked as the detector finds them. Besides: of how many pieces the surface is before it is
cleaned, how well the mesh covers the person in the photo, and how much of it lies farther than
5 cm from the truth (slabs and blobs), how much of the truth farther than that from it (limbs).
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm
from unlike.truth import load_truth

from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.inputs import give_input
from pifuhd_ros.evaluation.nearest import search_tree
from pifuhd_ros.evaluation.photo_sheet import find_photos
from pifuhd_ros.evaluation.photo_space import prediction_in_photo
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.evaluation.scores import score_person
from pifuhd_ros.evaluation.systems import PifuhdSystem, Prediction
from pifuhd_ros.geometry.crop_transforms import apply_transform, crop_from_model
from pifuhd_ros.geometry.rasterize import rasterize
from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor
from pifuhd_ros.stages.cleanup import clean_mesh, find_pieces
from pifuhd_ros.types import Mesh, PersonCrop

FAR_CM = 5.0


@dataclass(frozen=True)
class PhotoFigures:
    """What came of one photo."""

    photo: str
    is_detected: bool
    """False where the detector found nobody and the true mask took its place."""
    mask_iou: float
    """Of the detector's mask and the true one."""
    pieces: int
    """Connected surfaces before cleaning, cavities included."""
    bodies: int
    """Those that clean_mesh leaves."""
    largest_share: float
    """Of the volume of all pieces before cleaning, what the largest one holds."""
    silhouette_iou: float
    """Of the cleaned mesh as the camera sees it and the true mask."""
    chamfer_cm: float
    chamfer_icp_cm: float
    pred_to_gt_cm: float
    gt_to_pred_cm: float
    invented_percent: float
    """Of the mesh's surface, what is farther than FAR_CM from the truth."""
    missed_percent: float
    """Of the true surface, what is farther than FAR_CM from the mesh."""
    normal_consistency: float
    iou: float
    normal_error_front_deg: float
    normal_error_back_deg: float


def measure_photo(model: PifuhdReconstructor, truth: GroundTruth) -> PhotoFigures:
    """Reconstruct the person in a photo and compare.

    Args:
        model: made with ``clean=False``.
        truth: of the photo.
    """
    system = PifuhdSystem(model)
    given = give_input(truth, "detected", model.detect, system.crop_size_px, system.framing)
    raw = system.predict(given.crop, truth.photo.camera)
    pieces = find_pieces(raw.mesh)
    volumes = pieces.volumes.clip(min=0)
    cleaned = clean_mesh(raw.mesh)
    placed = prediction_in_photo(Prediction(cleaned, raw.normals), given.crop, truth)
    scores = score_person(truth, placed)
    invented, missed = _far_percent(placed.mesh, truth)
    return PhotoFigures(
        photo=truth.name,
        is_detected=given.record.detected,
        mask_iou=given.record.mask_iou,
        pieces=len(volumes),
        bodies=len(find_pieces(cleaned).volumes),
        largest_share=float(volumes.max() / volumes.sum()),
        silhouette_iou=silhouette_iou(cleaned, given.crop, truth.mask),
        chamfer_cm=scores.unaligned.chamfer_cm,
        chamfer_icp_cm=scores.icp.chamfer_cm,
        pred_to_gt_cm=scores.unaligned.pred_to_gt_cm,
        gt_to_pred_cm=scores.unaligned.gt_to_pred_cm,
        invented_percent=invented,
        missed_percent=missed,
        normal_consistency=scores.unaligned.normal_consistency,
        iou=scores.unaligned.iou,
        normal_error_front_deg=scores.normal_error_front_deg,
        normal_error_back_deg=scores.normal_error_back_deg,
    )


def silhouette_iou(mesh: Mesh, crop: PersonCrop, mask: npt.NDArray[np.float32]) -> float:
    """IoU of a mesh of a crop's model space, drawn in the photo, and the true mask (H, W)."""
    image_from_model = crop.image_from_crop @ crop_from_model(crop.mask.shape[-1])
    pixels = apply_transform(image_from_model, mesh.vertices[:, :2])
    points = np.concatenate([pixels, -mesh.vertices[:, 2:]], axis=1)
    drawn = rasterize(torch.from_numpy(points), torch.from_numpy(mesh.faces), *mask.shape)
    shown, true = (drawn.face >= 0).numpy(), mask > 0.5
    return int((shown & true).sum()) / int((shown | true).sum())


def _far_percent(mesh: Mesh, truth: GroundTruth) -> tuple[float, float]:
    far = FAR_CM / (100 * truth.metres_per_unit)
    points = sample_surface(mesh, len(truth.surface.points), 0).points
    from_pred, _ = search_tree(truth.surface.points).query(points)
    from_truth, _ = search_tree(points).query(truth.surface.points)
    return 100 * float((from_pred > far).mean()), 100 * float((from_truth > far).mean())


_COLUMNS = (
    ("pieces", "pieces", 0),
    ("largest", "largest_share", 4),
    ("mask IoU", "mask_iou", 3),
    ("silhouette IoU", "silhouette_iou", 3),
    ("chamfer [cm]", "chamfer_cm", 2),
    ("after ICP [cm]", "chamfer_icp_cm", 2),
    ("invented > 5 cm [%]", "invented_percent", 1),
    ("missed > 5 cm [%]", "missed_percent", 1),
    ("normal consistency", "normal_consistency", 3),
    ("IoU", "iou", 3),
    ("front normals [°]", "normal_error_front_deg", 1),
    ("back normals [°]", "normal_error_back_deg", 1),
)


def table(people: list[PhotoFigures]) -> str:
    """Markdown: a line for each photo and one for the means."""
    lines = ["| photo | " + " | ".join(title for title, _, _ in _COLUMNS) + " |"]
    lines.append("|---|" + "---:|" * len(_COLUMNS))
    for one in people:
        name = one.photo if one.is_detected else f"{one.photo} (not detected)"
        cells = [f"{getattr(one, key):.{digits}f}" for _, key, digits in _COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    means = [statistics.fmean(getattr(one, key) for one in people) for _, key, _ in _COLUMNS]
    cells = [
        f"{mean:.{max(digits, 1)}f}" for mean, (_, _, digits) in zip(means, _COLUMNS, strict=True)
    ]
    lines.append("| **mean** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table and writes all figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="what render_unlike_people.py wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--weights", type=Path, help="weights (default: those of the package)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    parser.add_argument("--resolution", type=int, default=256, help="cells along each axis")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    args = parser.parse_args()
    photos = find_photos(args.folder)
    model = PifuhdReconstructor.from_pretrained(
        args.weights, args.device, resolution=args.resolution, clean=False, threads=args.threads
    )
    people = []
    try:
        for photo in tqdm(photos, unit="photo"):
            people.append(measure_photo(model, load_truth(photo, args.folder / "truth")))
    finally:
        model.close()
    print(table(people))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(one) for one in people], indent=1)
    args.out.write_text(text + "\n", encoding="utf-8")
    print(args.out)


if __name__ == "__main__":
    main()
