"""How far half precision moves the surface of a person who is 180 cm tall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from held_out_crops import held_out_crops
from measure import Case
from scipy.spatial import cKDTree

from pifuhd_ros.fields.engine import PifuhdEngine, prepare_engine
from pifuhd_ros.fields.pifuhd import encode_pifuhd
from pifuhd_ros.networks.weights import load_network
from pifuhd_ros.stages.cleanup import clean_mesh
from pifuhd_ros.stages.cropping import crop_person
from pifuhd_ros.stages.detection import PersonDetector
from pifuhd_ros.stages.image_io import read_frame
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import PersonCrop

MM_PER_UNIT = 1000.0
"""The person fills nine tenths of the model box."""
HALVES = ("float16", "bfloat16")
GOAL = "float16 under 0.1 mm in the mean at 180 cm"


def precision(device: torch.device, image: Path, weights: Path | None, resolution: int) -> Case:
    """All networks in half precision, against float32; on a CPU as it rounds and adds up."""
    detector = PersonDetector()
    frame = read_frame(image)
    size = load_network(weights).config.fine_size
    crop = crop_person(frame, detector.detect(frame)[0], size, "mask")
    detector.close()
    exact = _vertices(_engine(device, weights, "float32"), crop, resolution)
    figures = {}
    for half in HALVES:
        moved_mm = _distances_mm(_vertices(_engine(device, weights, half), crop, resolution), exact)
        figures[f"{half}_mean_mm"] = round(float(moved_mm.mean()), 4)
        figures[f"{half}_median_mm"] = round(float(np.median(moved_mm)), 4)
        figures[f"{half}_99_of_100_below_mm"] = round(float(np.quantile(moved_mm, 0.99)), 4)
    return Case(
        "precision",
        f"half precision, how far the surface moves, {resolution}³",
        figures=figures,
        goal=GOAL,
    )


def people_precision(
    assets: Path, weights: Path | None, device: torch.device, people: int, resolution: int
) -> Case:
    """The same of held-out people: means over each one's surface.

    Args:
        assets: packed; what the people are made of.
        weights: None for the shipped ones.
        device: which does the work.
        people: how many of them.
        resolution: cells along each axis.
    """
    engines = {name: _engine(device, weights, name) for name in ("float32", *HALVES)}
    size = engines["float32"].network.config.fine_size
    means_mm: dict[str, list[float]] = {half: [] for half in HALVES}
    for crop in held_out_crops(assets, size, people):
        exact = _vertices(engines["float32"], crop, resolution)
        for half in HALVES:
            moved_mm = _distances_mm(_vertices(engines[half], crop, resolution), exact)
            means_mm[half].append(float(moved_mm.mean()))
    figures = {}
    for half in HALVES:
        figures[f"{half}_mean_mm"] = round(sum(means_mm[half]) / people, 4)
        figures[f"{half}_worst_person_mm"] = round(max(means_mm[half]), 4)
    return Case(
        "people_precision",
        f"the same of {people} held-out people, {resolution}³",
        figures=figures,
        goal=GOAL,
    )


def _engine(device: torch.device, weights: Path | None, precision: str) -> PifuhdEngine:
    return prepare_engine(load_network(weights).to(device), precision)


def _vertices(engine: PifuhdEngine, crop: PersonCrop, resolution: int) -> np.ndarray:
    _, field = encode_pifuhd(engine, crop)
    return clean_mesh(extract_surface(field, resolution).mesh).vertices


def _distances_mm(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """From each vertex to the nearest of the other surface, there and back."""
    there, back = cKDTree(second).query(first)[0], cKDTree(first).query(second)[0]
    return MM_PER_UNIT * np.concatenate([there, back])
