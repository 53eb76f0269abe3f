"""Packs a folder of MakeHuman assets into the one file that the generator reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pifuhd_ros.assets.bvh import Skeleton, read_pose
from pifuhd_ros.assets.makehuman import (
    Fit,
    read_fit,
    read_material_texture,
    read_obj,
)
from pifuhd_ros.types import AssetError, OnProgress

_DECIMETRE = 0.1
_BASE_VERTICES = 19158
_GARMENT_KINDS = ("clothes", "hair", "eyebrows")
# Its texture coordinates do not fit its texture: kept as a shape, coloured by the generator.
_UNTEXTURED = {"male_worksuit01"}

_Arrays = dict[str, npt.NDArray[np.generic]]


def boundary_caps(faces: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What closes an open mesh: a cone over every boundary loop.

    Args:
        faces: (F, 3).

    Returns:
        (L, 3): a boundary edge (b, a), turned so that the triangle (b, a, apex) continues the
        orientation, and the number of the apex that all edges of one connected boundary share.
        The cones close the mesh whatever its boundary looks like: a boundary has no boundary.
    """
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    low, high = directed.min(1), directed.max(1)
    sign = np.where(directed[:, 0] < directed[:, 1], 1, -1)
    edges, inverse = np.unique(np.stack([low, high], 1), axis=0, return_inverse=True)
    balance = np.zeros(len(edges), np.int64)
    np.add.at(balance, inverse.reshape(-1), sign)
    open_edges = np.repeat(edges, np.abs(balance), axis=0)
    forward = np.repeat(balance, np.abs(balance)) > 0
    if len(open_edges) == 0:
        return np.zeros((0, 3), np.int64)
    size = int(faces.max()) + 1
    graph = coo_matrix(
        (np.ones(len(open_edges)), (open_edges[:, 0], open_edges[:, 1])), shape=(size, size)
    )
    _, label = connected_components(graph, directed=False)
    _, apex = np.unique(label[open_edges[:, 0]], return_inverse=True)
    reverse = np.where(forward[:, None], open_edges[:, ::-1], open_edges)
    return np.concatenate([reverse, apex.reshape(-1, 1)], 1)


def _read_texture(path: Path, size: int, with_alpha: bool) -> npt.NDArray[np.uint8]:
    """(C, S, S), rows from the bottom up as texture coordinates count."""
    from PIL import Image

    with Image.open(path) as image:
        image = image.convert("RGBA" if with_alpha else "RGB")
        image = image.resize((size, size), Image.Resampling.BOX)
        return np.ascontiguousarray(np.asarray(image)[::-1].transpose(2, 0, 1))


def _fit_arrays(fit: Fit) -> _Arrays:
    if fit.base.max() >= _BASE_VERTICES:
        raise AssetError(f"{fit.mesh_file} fits another base mesh than MakeHuman's hm08")
    mesh = read_obj(fit.mesh_file)
    if len(mesh.vertices) != len(fit.base):
        raise AssetError(
            f"{fit.mesh_file} has {len(mesh.vertices)} vertices, its .mhclo fits {len(fit.base)}"
        )
    return {
        "base": fit.base.astype(np.int16),
        "weights": fit.weights.astype(np.float32),
        "offsets": (fit.offsets * _DECIMETRE).astype(np.float32),
        "scales": (fit.scales * np.array([1, 1, _DECIMETRE])).astype(np.float32),
        "hidden": fit.hidden[fit.hidden < _BASE_VERTICES].astype(np.int16),
        "faces": mesh.faces.astype(np.int16),
        "face_uvs": mesh.face_uvs.astype(np.float16),
        "caps": boundary_caps(mesh.faces).astype(np.int16),
    }


def _pack_garments(root: Path, kind: str, texture_size: int, arrays: _Arrays) -> None:
    for path in sorted((root / "base" / kind).glob("*/*.mhclo")):
        fit = read_fit(path)
        prefix = f"{kind}/{path.stem}/"
        arrays.update({prefix + k: v for k, v in _fit_arrays(fit).items()})
        if fit.material_file is None or path.stem in _UNTEXTURED:
            continue
        for key, field in (("diffuseTexture", "texture"), ("normalmapTexture", "normal_map")):
            texture = read_material_texture(fit.material_file, key)
            if texture is not None and texture.is_file():
                with_alpha = kind != "clothes" and field == "texture"
                arrays[prefix + field] = _read_texture(texture, texture_size, with_alpha)


def _pack_poses(root: Path, skeleton: Skeleton, arrays: _Arrays) -> None:
    for folder in ("base/poses", "animations/walks", "animations/zombie"):
        for path in sorted((root / folder).glob("*.bvh")):
            arrays[f"poses/{path.stem}/rotations"] = read_pose(path, skeleton).astype(np.float32)


def _pack_textures(root: Path, texture_size: int, arrays: _Arrays) -> None:
    for path in sorted((root / "base/skins/textures").glob("*_diffuse*.png")):
        arrays[f"skins/{path.stem}/texture"] = _read_texture(path, texture_size, with_alpha=False)
    for path in sorted((root / "base/eyes/materials").glob("*_eye.png")):
        arrays[f"eyes/{path.stem}/texture"] = _read_texture(path, texture_size, with_alpha=False)


def pack_assets(
    folder: Path,
    body_file: Path,
    out: Path,
    texture_size: int = 256,
    on_progress: OnProgress | None = None,
) -> int:
    """Reads MakeHuman's assets and writes one safetensors file for the generator.

    Args:
        folder: Holds ``base/clothes``, ``base/hair``, ``base/skins``, ``base/poses``,
            ``3dobjs/base.obj`` and so on, as in the makehuman-assets repository.
        body_file: The baked body, whose skeleton the poses are brought to.
        out: The .safetensors file to write.
        texture_size: Side that textures are brought to [px].
        on_progress: Called before each part.

    Returns:
        Bytes written.

    Raises:
        AssetError: Something the generator needs is not in the folder.
    """
    report = on_progress or (lambda stage, fraction: None)
    base_file = folder / "3dobjs" / "base.obj"
    if not base_file.is_file():
        raise AssetError(
            f"{folder} does not look like a MakeHuman asset folder: 3dobjs/base.obj is missing"
        )
    with safe_open(str(body_file), "np") as file:
        bones = file.metadata()["bones"].split(",")
        heads = file.get_tensor("mean")[-len(bones) :].astype(np.float64)
        skeleton = Skeleton(bones, file.get_tensor("parents").tolist(), heads)
    arrays: _Arrays = {}
    base = read_obj(base_file)
    for group in ("helper-tights", "helper-skirt"):
        faces = base.faces[base.groups == group]
        arrays[f"base/{group}/faces"] = faces.astype(np.int16)
        arrays[f"base/{group}/caps"] = boundary_caps(faces).astype(np.int16)
    for i, kind in enumerate(_GARMENT_KINDS):
        report(kind, 0.1 + 0.2 * i)
        _pack_garments(folder, kind, texture_size, arrays)
    report("poses", 0.7)
    _pack_poses(folder, skeleton, arrays)
    report("textures", 0.9)
    _pack_textures(folder, texture_size, arrays)
    for kind in ("clothes", "hair", "poses", "skins"):
        if not any(key.startswith(kind + "/") for key in arrays):
            raise AssetError(f"{folder} has no {kind}; the generator needs at least one")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, str(out))
    return out.stat().st_size


@contextmanager
def packed_assets(path: Path, body_file: Path) -> Iterator[Path]:
    """The packed form of ``path``: itself where it is a file, else packed for the time of use.

    Raises:
        AssetError: It is a folder without what the generator needs.
    """
    if not path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="pifuhd-assets-") as folder:
        packed = Path(folder) / "assets.safetensors"
        pack_assets(path, body_file, packed)
        yield packed
