"""Readers of MakeHuman's files: .obj meshes, .mhclo fits, .mhmat materials."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types import AssetError


@dataclass(frozen=True)
class ObjMesh:
    """A triangulated .obj; quads are split along their first diagonal."""

    vertices: npt.NDArray[np.float64]
    """(V, 3), decimetres, y up."""
    faces: npt.NDArray[np.int64]
    """(F, 3)."""
    face_uvs: npt.NDArray[np.float64]
    """(F, 3, 2) texture coordinates of each corner."""
    groups: npt.NDArray[np.str_]
    """(F,) the group's name."""


@dataclass(frozen=True)
class Fit:
    """How a garment's vertices hang on the base mesh (.mhclo)."""

    base: npt.NDArray[np.int64]
    """(V, 3) base vertices."""
    weights: npt.NDArray[np.float64]
    """(V, 3) their weights."""
    offsets: npt.NDArray[np.float64]
    """(V, 3) decimetres, before scaling."""
    scales: npt.NDArray[np.float64]
    """(3, 3) for each axis: base vertices a, b and their reference distance [dm]; 0: unscaled."""
    hidden: npt.NDArray[np.int64]
    """Base vertices that the garment hides."""
    mesh_file: Path
    material_file: Path | None


@dataclass
class _FitLines:
    rows: list[list[float]] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    scales: list[list[float]] = field(default_factory=lambda: [[0.0, 0.0, 0.0] for _ in range(3)])
    names: dict[str, str] = field(default_factory=dict)


def read_obj(path: Path) -> ObjMesh:
    """Reads an .obj file. Raises AssetError where it is not one."""
    vertices: list[list[float]] = []
    uvs: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    face_uvs: list[tuple[int, int, int]] = []
    groups: list[str] = []
    group = ""
    for line in path.read_text(errors="replace").splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(x) for x in rest[:3]])
        elif word == "vt":
            uvs.append([float(x) for x in rest[:2]])
        elif word == "g":
            group = rest[0] if rest else ""
        elif word == "f":
            corners = [c.split("/") for c in rest]
            v = [int(c[0]) - 1 for c in corners]
            t = [int(c[1]) - 1 if len(c) > 1 and c[1] else 0 for c in corners]
            for k in range(1, len(v) - 1):
                faces.append((v[0], v[k], v[k + 1]))
                face_uvs.append((t[0], t[k], t[k + 1]))
                groups.append(group)
    if not vertices or not faces:
        raise AssetError(f"{path} holds no mesh; is it a complete MakeHuman .obj?")
    texture = np.array(uvs or [[0.0, 0.0]])
    return ObjMesh(
        np.array(vertices), np.array(faces), texture[np.array(face_uvs)], np.array(groups)
    )


def _parse_hidden(words: list[str], into: list[int]) -> None:
    i = 0
    while i < len(words):
        if i + 2 < len(words) and words[i + 1] == "-":
            into.extend(range(int(words[i]), int(words[i + 2]) + 1))
            i += 3
        else:
            into.append(int(words[i]))
            i += 1


def _parse_fit(path: Path) -> _FitLines:
    result = _FitLines()
    section = ""
    for line in path.read_text(errors="replace").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        key = words[0]
        if key in ("verts", "delete_verts", "weights", "scales"):
            section = key
        elif key in ("x_scale", "y_scale", "z_scale"):
            result.scales["xyz".index(key[0])] = [float(x) for x in words[1:4]]
        elif key in ("obj_file", "material"):
            result.names[key] = words[1]
        elif section == "verts" and key.lstrip("-").isdigit():
            values = [float(x) for x in words]
            if len(values) == 1:
                values = [values[0]] * 3 + [1.0, 0, 0, 0, 0, 0]
            result.rows.append(values[:9])
        elif section == "delete_verts" and key.isdigit():
            _parse_hidden(words, result.hidden)
    return result


def read_fit(path: Path) -> Fit:
    """Reads a .mhclo file. Raises AssetError where it is incomplete."""
    lines = _parse_fit(path)
    if not lines.rows or "obj_file" not in lines.names:
        raise AssetError(f"{path} names no mesh or fits no vertex; is it a complete .mhclo?")
    rows = np.array(lines.rows)
    material = lines.names.get("material")
    return Fit(
        base=rows[:, :3].astype(np.int64),
        weights=rows[:, 3:6],
        offsets=rows[:, 6:9],
        scales=np.array(lines.scales),
        hidden=np.array(sorted(set(lines.hidden)), np.int64),
        mesh_file=path.parent / lines.names["obj_file"],
        material_file=path.parent / material if material else None,
    )


def read_material_texture(path: Path, key: str = "diffuseTexture") -> Path | None:
    """The texture that a .mhmat names under ``key``, or None."""
    for line in path.read_text(errors="replace").splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == key:
            return path.parent / words[1]
    return None
