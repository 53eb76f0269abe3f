"""How far half precision moves the surface of a person who is 180 cm tall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from measure import Case
from scipy.spatial import cKDTree

from pifuhd_ros.fields.engine import prepare_engine
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


def precision(device: torch.device, image: Path, weights: Path | None, resolution: int) -> Case:
    """All networks in half precision, against float32; on a CPU as it rounds and adds up."""
    detector = PersonDetector()
    frame = read_frame(image)
    size = load_network(weights).config.fine_size
    crop = crop_person(frame, detector.detect(frame)[0], size, "mask")
    detector.close()
    exact = _vertices(device, weights, "float32", crop, resolution)
    figures = {}
    for half in HALVES:
        moved = _distances(_vertices(device, weights, half, crop, resolution), exact) * MM_PER_UNIT
        figures[f"{half}_mean_mm"] = round(float(moved.mean()), 4)
        figures[f"{half}_median_mm"] = round(float(np.median(moved)), 4)
        figures[f"{half}_99_of_100_below_mm"] = round(float(np.quantile(moved, 0.99)), 4)
    return Case(
        "precision",
        f"half precision, how far the surface moves, {resolution}³",
        figures=figures,
        goal="float16 under 0.1 mm in the mean at 180 cm",
    )


def _vertices(
    device: torch.device, weights: Path | None, precision: str, crop: PersonCrop, resolution: int
) -> np.ndarray:
    engine = prepare_engine(load_network(weights).to(device), precision)
    _, field = encode_pifuhd(engine, crop)
    return clean_mesh(extract_surface(field, resolution).mesh).vertices


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """From each vertex to the nearest of the other surface, there and back."""
    there, back = cKDTree(second).query(first)[0], cKDTree(first).query(second)[0]
    return np.concatenate([there, back])
