"""Scans whose every answer is known: an egg, red on its left half, blue on its right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

HALF = np.array([0.3, 0.85, 0.25])
"""Half axes of the egg [m]."""
RED, BLUE = (200, 40, 30), (30, 60, 210)
"""Of x > 0, the egg's own left, and x < 0."""


def egg_arrays(rings: int = 48) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3), faces (F, 3) and UVs (V, 2), with a seam and poles as scans have them."""
    v, u = np.meshgrid(
        np.linspace(0, 1, rings + 1), np.linspace(0, 1, 2 * rings + 1), indexing="ij"
    )
    radius = np.sin(np.pi * v)
    unit = np.stack(
        [radius * np.sin(2 * np.pi * u), -np.cos(np.pi * v), radius * np.cos(2 * np.pi * u)], -1
    )
    index = np.arange(v.size).reshape(v.shape)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
    return unit.reshape(-1, 3) * HALF, faces, np.stack([u, v], -1).reshape(-1, 2)


def texture() -> Image.Image:
    """Red where u < 0.5."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = RED, BLUE
    return Image.fromarray(pixels)


def egg(scale: float = 1.0) -> trimesh.Trimesh:
    """The textured egg."""
    vertices, faces, uvs = egg_arrays()
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=texture())
    visual = trimesh.visual.TextureVisuals(uv=uvs, material=material)
    return trimesh.Trimesh(vertices * scale, faces, visual=visual, process=False)


def coloured_egg(keep: np.ndarray | None = None) -> trimesh.Trimesh:
    """The egg with vertex colours; of its faces those of ``keep``."""
    vertices, faces, _ = egg_arrays()
    colours = np.where(vertices[:, :1] > 0, RED, BLUE).astype(np.uint8)
    faces = faces if keep is None else faces[keep]
    return trimesh.Trimesh(vertices, faces, vertex_colors=colours, process=False)


def without_patch() -> np.ndarray:
    """Which faces stay where there is a hole behind, and one under the ground."""
    vertices, faces, _ = egg_arrays()
    middles = vertices[faces].mean(1) / HALF
    return (middles @ [0, 0.2, -0.98] < 0.97) & (middles[:, 1] > -0.97)


def write_obj(folder: Path, mtl: str = "egg.mtl", picture: str = "egg.png") -> Path:
    """The egg as .obj with material and texture, named as given."""
    vertices, faces, uvs = egg_arrays()
    lines = [f"mtllib {mtl}", "usemtl skin"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += [f"vt {u:.6f} {v:.6f}" for u, v in uvs]
    lines += ["f " + " ".join(f"{i}/{i}" for i in face) for face in faces + 1]
    path = folder / "egg.obj"
    path.write_text("\n".join(lines) + "\n")
    (folder / "egg.mtl").write_text(f"newmtl skin\nKd 0.1 0.1 0.1\nmap_Kd {picture}\n")
    texture().save(folder / "egg.png")
    return path
