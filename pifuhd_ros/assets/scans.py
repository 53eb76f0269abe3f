"""Scans of people made ready: in metres, upright, welded, turned outwards, holes closed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from pifuhd_ros.assets.pack import boundary_caps
from pifuhd_ros.assets.scan_file import ENDINGS, Piece, read_pieces
from pifuhd_ros.types import AssetError, Scan

Unit = Literal["auto", "m", "cm", "mm"]
UNITS: tuple[Unit, ...] = get_args(Unit)
Up = Literal["y", "z"]
UPS: tuple[Up, ...] = get_args(Up)
LOWEST_M, HIGHEST_M = 0.5, 3.0
"""Heights that a person may have, standing, sitting or with arms raised."""
REACH_M = 1.6
"""Half width and depth that a scan may have: what the generator's grids hold."""

_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_WELD_M = 1e-5
_LOOSE_SHARE = 0.1
"""More rims than this share of the edges: loose faces rather than a surface with holes."""


def find_scans(folder: Path) -> list[Path]:
    """All scans of a folder and its sub-folders, sorted.

    Raises:
        AssetError: There is no such folder, or it holds no scan.
    """
    if not folder.is_dir():
        raise AssetError(f"{folder} is not a folder: name the one that holds your scans")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    if not found:
        raise AssetError(f"{folder} holds no scan: put {', '.join(ENDINGS)} files into it")
    return found


def _metres(path: Path, height: float, unit: Unit) -> float:
    """Metres a unit of the file."""
    if unit != "auto":
        metres = _METRES[unit]
        if not LOWEST_M <= height * metres <= HIGHEST_M:
            raise AssetError(
                f"{path} is {height * metres:.3g} m high in {unit}, a person is "
                f"{LOWEST_M:g} to {HIGHEST_M:g} m: choose another --unit or --up"
            )
        return metres
    for metres in _METRES.values():
        if LOWEST_M <= height * metres <= HIGHEST_M:
            return metres
    raise AssetError(
        f"{path} is {height:.3g} units high, which is no person's height in m, cm or mm: scale it, "
        "or choose --unit and --up"
    )


def _upright(vertices: npt.NDArray[np.float64], up: Up) -> npt.NDArray[np.float64]:
    if up == "y":
        return vertices
    # What stands upright along z looks along -y.
    return np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], 1)


def _weld(
    vertices: npt.NDArray[np.float32], faces: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each place once (V', 3); faces into them, some of which may have lost their area; (V,) map.

    Files repeat vertices where texture, normals or materials meet, now and then rounded otherwise.
    """
    rows = np.rint(vertices / _WELD_M).astype(np.int64)
    order = np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))
    is_new = np.ones(len(rows), bool)
    is_new[1:] = (rows[order[1:]] != rows[order[:-1]]).any(1)
    where = np.empty(len(rows), np.int64)
    where[order] = np.cumsum(is_new) - 1
    return vertices[order[is_new]], where[faces], where


def _mean_of(
    values: npt.NDArray[np.float64], where: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.float32]:
    """Values (N, 3) averaged over what fell together."""
    sums = [np.bincount(where, values[:, k], count) for k in range(3)]
    return (np.stack(sums, 1) / np.bincount(where, minlength=count)[:, None]).astype(np.float32)


def _check_finite(path: Path, values: npt.NDArray[np.float64], what: str) -> None:
    broken = int((~np.isfinite(values)).any(1).sum())
    if broken:
        raise AssetError(f"{path} has {broken} {what} that are not finite: repair the mesh")


def _volume(vertices: npt.NDArray[np.float32], faces: npt.NDArray[np.int64]) -> float:
    """Signed, positive where the faces look outwards."""
    a, b, c = (vertices.astype(np.float64) - vertices.mean(0))[faces].transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum())


def _filled(
    pieces: Sequence[Piece], name: Literal["uvs", "colours"], width: int, missing: float
) -> npt.NDArray[np.float64]:
    """Values (V, width) of all vertices; ``missing`` in pieces that have none."""
    rows = []
    for piece in pieces:
        values: npt.NDArray[np.float64] | None = getattr(piece, name)
        none = np.full((len(piece.vertices), width), missing)
        rows.append(none if values is None else values)
    return np.concatenate(rows)


def _caps(
    vertices: npt.NDArray[np.float32], faces: npt.NDArray[np.int64]
) -> tuple[bool, npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Whether the faces are a surface, and if so what closes it: tips (T, 3) and cones (C, 3)."""
    rims = boundary_caps(faces)
    is_surface = len(rims) <= _LOOSE_SHARE * 1.5 * len(faces)
    if not is_surface or len(rims) == 0:
        return is_surface, np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)
    caps = np.concatenate([rims[:, :2], rims[:, 2:] + len(vertices)], 1)
    middles = vertices[rims[:, :2]].mean(1).astype(np.float64)
    return True, _mean_of(middles, rims[:, 2], int(rims[:, 2].max()) + 1), caps


def read_scan(path: Path, unit: Unit = "auto", up: Up = "y", texture_size: int = 1024) -> Scan:
    """Reads a scan of one person and makes it ready.

    Repeated vertices are welded; a mesh that is inside out as a whole is turned; a cone over each
    rim closes the holes. Vertices that no face uses and faces without three corners are left out.

    Args:
        path: An .obj, .ply or .glb file.
        unit: Of the file; "auto" tells it from the height.
        up: The file's upright axis. A person looks along +z, or along -y where z is up.
        texture_size: Side that all textures are brought to [px].

    Raises:
        AssetError: The file cannot be read, or holds no person that stands upright.
    """
    pieces = read_pieces(path, texture_size)
    first = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    faces = np.concatenate([p.faces + start for p, start in zip(pieces, first, strict=False)])
    used, compact = np.unique(faces, return_inverse=True)
    faces = compact.reshape(faces.shape)
    vertices = _upright(np.concatenate([piece.vertices for piece in pieces]), up)[used]
    uvs = _filled(pieces, "uvs", 2, 0.0)[used]
    _check_finite(path, vertices, "vertices")
    _check_finite(path, uvs, "texture coordinates")
    metres = _metres(path, float(np.ptp(vertices[:, 1])), unit)
    if np.ptp(vertices[:, [0, 2]], axis=0).max() * metres > 2 * REACH_M:
        raise AssetError(f"{path} is wider than {2 * REACH_M} m: leave only the person in it")
    face_uvs = uvs[faces].astype(np.float32)
    welded, faces, where = _weld((vertices * metres).astype(np.float32), faces)
    material = np.repeat(np.arange(len(pieces)), [len(piece.faces) for piece in pieces])
    whole = (faces != np.roll(faces, 1, axis=1)).all(1)
    if not whole.any():
        raise AssetError(f"{path} holds no face with an area")
    faces, face_uvs, material = faces[whole], face_uvs[whole], material[whole]
    is_surface, tips, caps = _caps(welded, faces)
    points = np.concatenate([welded, tips])
    if _volume(points, np.concatenate([faces, caps])) < 0:
        faces, face_uvs, caps = faces[:, ::-1], face_uvs[:, ::-1], caps[:, ::-1]
    colours = None
    if any(piece.colours is not None for piece in pieces):
        mean = _mean_of(_filled(pieces, "colours", 3, 1.0)[used], where, len(welded))
        colours = np.concatenate([mean, np.ones_like(tips)])
    return Scan(
        name=path.name,
        vertices=points,
        faces=np.ascontiguousarray(faces),
        caps=np.ascontiguousarray(caps),
        is_surface=is_surface,
        face_uvs=np.ascontiguousarray(face_uvs),
        face_material=material,
        tints=np.stack([piece.tint for piece in pieces]).astype(np.float32),
        textures=tuple(piece.texture for piece in pieces),
        colours=colours,
    )
