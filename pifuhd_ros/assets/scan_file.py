"""Reads scans of people: .obj with .mtl and pictures, .ply and .glb."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types import AssetError

if TYPE_CHECKING:
    from PIL import Image

ENDINGS = (".glb", ".obj", ".ply")
MAX_BYTES = 2**30
MAX_VERTICES = 3_000_000
MAX_FACES = 4_000_000
MAX_TEXTURE_PIXELS = 128 * 2**20
_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tga", ".tif", ".tiff"}
_GLB_EXTENSIONS = {"KHR_materials_unlit", "KHR_mesh_quantization", "EXT_texture_webp"}
"""What a .glb may require: anything else, above all compression, would be read wrong."""

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Piece:
    """The faces of one material, in the scan's own axes and unit."""

    vertices: _Floats
    """(V, 3)."""
    faces: npt.NDArray[np.int64]
    """(F, 3)."""
    uvs: _Floats | None
    """(V, 2), v upwards."""
    colours: _Floats | None
    """(V, 3) sRGB in [0, 1]."""
    tint: _Floats
    """(3,) sRGB in [0, 1]."""
    texture: npt.NDArray[np.uint8] | None
    """(4, S, S) rows from the bottom up."""


def _srgb(linear: _Floats) -> _Floats:
    """Source: IEC 61966-2-1."""
    curve = 1.055 * np.clip(linear, 0.0, 1.0) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, np.clip(linear, 0, 1) * 12.92, curve))


class _Beside:
    """Gives trimesh the files that a scan names, out of the scan's own folder only.

    trimesh drops what it cannot have without a word; what went wrong is kept here.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent.resolve()
        self.file_name = path.name
        self.problems: list[str] = []

    def get(self, name: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        plain = name.strip().replace("\\", "/")
        for candidate in (plain, plain.rsplit("/", 1)[-1]):
            path = (self._folder / candidate).resolve()
            if path.is_relative_to(self._folder) and path.is_file():
                data = path.read_bytes()
                if path.suffix.lower() in _PICTURES:
                    self._check_picture(path.name, data)
                return data
        self.problems.append(f"names {name.strip()!r}, which is not in its folder: put it there")
        raise FileNotFoundError(name)

    __getitem__ = get

    def _check_picture(self, name: str, data: bytes) -> None:
        problem = _picture_problem(data)
        if problem:
            self.problems.append(f"has the texture {name}, which {problem}")


def _picture_problem(data: bytes) -> str | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_TEXTURE_PIXELS:
                return f"is larger than {MAX_TEXTURE_PIXELS >> 20} megapixels: scale it down"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "cannot be read: save it as PNG or JPEG"
    return None


def _check_count(path: Path, vertices: int, faces: int) -> None:
    for count, most, what in ((vertices, MAX_VERTICES, "vertices"), (faces, MAX_FACES, "faces")):
        if count > most:
            raise AssetError(f"{path} has {count} {what}, more than {most}: decimate it first")


def _check_glb(path: Path, data: bytes) -> None:
    """Reads what the file says of itself, before its arrays are."""
    if len(data) < 20 or data[:4] != b"glTF":
        raise AssetError(f"{path} is not a .glb file: export it again as binary glTF")
    total, length = struct.unpack_from("<II", data, 8)
    if total > len(data):
        raise AssetError(f"{path} is damaged: it ends after {len(data)} of {total} bytes")
    try:
        header = json.loads(data[20 : 20 + length])
        accessors = header.get("accessors", [])
        parts = [part for mesh in header.get("meshes", []) for part in mesh["primitives"]]
        vertices = [accessors[part["attributes"]["POSITION"]]["count"] for part in parts]
        corners = [accessors[part["indices"]]["count"] for part in parts if "indices" in part]
        views = header.get("bufferViews", [])
        pictures = [
            (views[image["bufferView"]].get("byteOffset", 0), views[image["bufferView"]])
            for image in header.get("images", [])
            if "bufferView" in image
        ]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise AssetError(f"{path} is damaged: its glTF header cannot be read ({error})") from error
    foreign = sorted(set(header.get("extensionsRequired", [])) - _GLB_EXTENSIONS)
    if foreign:
        raise AssetError(f"{path} needs {', '.join(foreign)}: export it without compression")
    _check_count(path, sum(vertices), sum(corners) // 3)
    start = 20 + length + 8
    for offset, view in pictures:
        first = start + offset
        problem = _picture_problem(data[first : first + view["byteLength"]])
        if problem:
            raise AssetError(f"{path} has a texture that {problem}")


def _check_ply(path: Path, data: bytes) -> None:
    header = data[: 2**16].split(b"end_header")[0]
    counts = dict(re.findall(rb"element (vertex|face) (\d{1,12})\b", header))
    _check_count(path, int(counts.get(b"vertex", 0)), int(counts.get(b"face", 0)))


def _checked_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise AssetError(f"{path} is not a file: name a scan that ends in {', '.join(ENDINGS)}")
    if path.suffix.lower() not in ENDINGS:
        raise AssetError(f"{path} cannot be read: convert it to {', '.join(ENDINGS)}")
    if path.stat().st_size > MAX_BYTES:
        raise AssetError(f"{path} is larger than {MAX_BYTES >> 20} MiB: decimate it first")
    data = path.read_bytes()
    if path.suffix.lower() == ".glb":
        _check_glb(path, data)
    elif path.suffix.lower() == ".ply":
        _check_ply(path, data)
    return data


def read_pieces(path: Path, texture_size: int) -> list[Piece]:
    """Reads the meshes of a scan, each placed as the file's scene places it.

    Args:
        path: An .obj, .ply or .glb file.
        texture_size: Side that textures are brought to [px].

    Raises:
        AssetError: The file, or a texture that it names, is missing, damaged, too large, or holds
            no faces.
    """
    import trimesh

    data = _checked_bytes(path)
    beside = _Beside(path)
    kind = path.suffix.lower()[1:]
    try:
        scene: Any = trimesh.load(
            io.BytesIO(data),
            file_type=kind,
            resolver=cast(Any, beside),
            force="scene",
            process=False,
        )
        placed = [(*scene.graph[node], node) for node in scene.graph.nodes_geometry]
    except Exception as error:
        # trimesh lets every kind of exception out of a damaged file.
        raise AssetError(f"{path} cannot be read, the file may be damaged: {error}") from error
    if beside.problems:
        raise AssetError(f"{path} {beside.problems[0]}")
    meshes = [
        (matrix, scene.geometry[name])
        for matrix, name, _ in placed
        if len(getattr(scene.geometry[name], "faces", ()))
    ]
    if not meshes:
        what = "only points, no faces: make a mesh of them first" if placed else "no mesh"
        raise AssetError(f"{path} holds {what}")
    _check_count(path, *(sum(len(getattr(m, n)) for _, m in meshes) for n in ("vertices", "faces")))
    return list(_pieces(path, meshes, kind == "glb", texture_size))


def _pieces(
    path: Path, meshes: list[tuple[_Floats, Any]], is_linear: bool, texture_size: int
) -> Iterator[Piece]:
    textures: dict[int, npt.NDArray[np.uint8]] = {}
    for matrix, mesh in meshes:
        vertices = np.asarray(mesh.vertices, np.float64)
        faces = np.asarray(mesh.faces, np.int64)
        if faces.min() < 0 or faces.max() >= len(vertices):
            raise AssetError(f"{path} is damaged: a face names a vertex that is not there")
        if np.linalg.det(matrix[:3, :3]) < 0:
            faces = faces[:, ::-1]
        image, tint = _material(mesh.visual, is_linear)
        uvs = getattr(mesh.visual, "uv", None)
        if image is not None and (uvs is None or len(uvs) != len(vertices)):
            raise AssetError(f"{path} has a texture, but not every vertex has a place on it")
        if image is not None and id(image) not in textures:
            textures[id(image)] = _texture(path, image, _keeps_alpha(mesh.visual), texture_size)
        yield Piece(
            vertices=vertices @ matrix[:3, :3].T + matrix[:3, 3],
            faces=faces,
            uvs=None if image is None else np.asarray(uvs, np.float64)[:, :2],
            colours=_vertex_colours(mesh.visual, is_linear),
            tint=tint,
            texture=None if image is None else textures[id(image)],
        )


def _material(visual: Any, is_linear: bool) -> tuple[Image.Image | None, _Floats]:
    """Picture and tint. A .mtl's colour counts where it has no picture, a .glb's always."""
    from trimesh.visual.color import DEFAULT_COLOR

    white = np.ones(3)
    material = getattr(visual, "material", None)
    if material is None:
        return None, white
    if is_linear:
        factor = material.baseColorFactor
        tint = white if factor is None else _srgb(_unit(factor)[:3])
        return material.baseColorTexture, tint
    if material.image is not None or np.array_equal(material.diffuse, DEFAULT_COLOR):
        return material.image, white
    return None, _unit(material.diffuse)[:3]


def _keeps_alpha(visual: Any) -> bool:
    return getattr(visual.material, "alphaMode", None) in ("MASK", "BLEND")


def _unit(values: npt.NDArray[Any]) -> _Floats:
    """Colours in [0, 1] of floats or integers that span their type."""
    most = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1
    return np.asarray(np.clip(values.astype(np.float64) / most, 0, 1))


def _vertex_colours(visual: Any, is_linear: bool) -> _Floats | None:
    if visual.kind in ("vertex", "face"):
        colours = visual.vertex_colors
    else:
        colours = getattr(visual, "vertex_attributes", {}).get("color")
    if colours is None:
        return None
    values = _unit(colours)[:, :3]
    return _srgb(values) if is_linear else values


def _texture(path: Path, image: Image.Image, keeps_alpha: bool, size: int) -> npt.NDArray[np.uint8]:
    from PIL import Image

    try:
        image = image.convert("RGBA" if keeps_alpha else "RGB").convert("RGBA")
    except (OSError, SyntaxError, ValueError) as error:
        raise AssetError(f"{path} has a damaged texture: {error}") from error
    image = image.resize((size, size), Image.Resampling.BOX)
    return np.ascontiguousarray(np.asarray(image)[::-1].transpose(2, 0, 1))
