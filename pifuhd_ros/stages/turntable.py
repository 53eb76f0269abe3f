"""Pictures of a mesh from all around."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from pifuhd_ros.geometry.mesh_normals import vertex_normals
from pifuhd_ros.geometry.rasterize import rasterize
from pifuhd_ros.stages.atomic_file import written_atomically
from pifuhd_ros.stages.srgb import linear_from_srgb, srgb_from_linear
from pifuhd_ros.types.errors import ExportError
from pifuhd_ros.types.mesh import Mesh

Style = Literal["color", "flat", "shaded", "albedo", "normals", "clay"]
"""``color``: the mesh's colours with a hint of shape; ``flat``: these and nothing added;
``shaded``, ``albedo``: those of its colours that show this, nothing added; ``normals``: which way
the surface faces; ``clay``: the shape."""
Rgb = npt.NDArray[np.float32]

_SUPERSAMPLING = 2
_FILL = 0.92  # part of the picture that the person takes, in the tighter direction
_CLAY = linear_from_srgb(np.array([214, 204, 196], dtype=np.uint8))
_BACKGROUND_TOP = linear_from_srgb(np.array([246, 246, 247], dtype=np.uint8))
_BACKGROUND_BOTTOM = linear_from_srgb(np.array([219, 220, 223], dtype=np.uint8))
# Directions to the lights for the viewer: x right, y down, z forward.
_KEY_LIGHT = np.array([-0.45, -0.60, -0.66], dtype=np.float32)
_FILL_LIGHT = np.array([0.85, -0.10, -0.52], dtype=np.float32)


@dataclass(frozen=True)
class _Framing:
    """Which part of space a picture shows; the same for all views around a mesh."""

    center: npt.NDArray[np.float32]
    half_width: float
    half_height: float

    @staticmethod
    def around(mesh: Mesh) -> _Framing:
        low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
        center = (low + high) / 2
        from_axis = np.linalg.norm((mesh.vertices - center)[:, [0, 2]], axis=-1)
        return _Framing(center, float(from_axis.max()), float(high[1] - low[1]) / 2)

    def pixels_per_unit(self, height: int, width: int) -> float:
        return _FILL / 2 * min(height / self.half_height, width / self.half_width)


def usual_styles(mesh: Mesh) -> tuple[Style, ...]:
    """What there is to show of a mesh, side by side.

    Returns:
        Shaded colours, albedo and normals, as far as they are there, of a mesh with an albedo;
        colours and clay of one with other colours; clay of one without any.
    """
    if mesh.colors is None:
        return ("clay",)
    kinds = (mesh.shows, *mesh.other_colors)
    if "albedo" not in kinds:
        return ("color", "clay")
    return ("shaded", "albedo", "normals") if "shaded" in kinds else ("albedo", "normals")


def render_view(
    mesh: Mesh, yaw_deg: float = 0.0, size: int = 512, style: Style = "color"
) -> npt.NDArray[np.uint8]:
    """Draw a mesh as a viewer sees it who has walked around it.

    Args:
        mesh: in an optical frame (x right, y down, z forward), any unit.
        yaw_deg: how far the viewer has walked to the right, counter-clockwise seen from above,
            looking at the mesh all the time; 0 is the camera's own direction.
        size: height and width of the picture in pixels.
        style: what is shown.

    Returns:
        (size, size, 3) sRGB.

    Raises:
        ExportError: the mesh is empty, or has no such colours to show.
    """
    return render_styles(mesh, (style,), yaw_deg, size)[0]


def render_styles(
    mesh: Mesh, styles: tuple[Style, ...], yaw_deg: float = 0.0, size: int = 512
) -> list[npt.NDArray[np.uint8]]:
    """One picture a style, of the same view; see ``render_view``."""
    for style in styles:
        _check(mesh, style)
    return _render(mesh, _Framing.around(mesh), yaw_deg, size, size, styles)


def draw_view(mesh: Mesh, path: str | Path, size: int = 512, style: Style = "color") -> Path:
    """Write what the camera sees of a mesh; see ``render_view``.

    Returns:
        The path.

    Raises:
        ExportError: as of ``render_turntable``.
    """
    path = _png(path)
    picture = Image.fromarray(render_view(mesh, size=size, style=style))
    with written_atomically(path) as temporary:
        picture.save(temporary, format="PNG")
    return path


def render_turntable(
    mesh: Mesh,
    path: str | Path,
    views: int = 8,
    size: int = 512,
    styles: tuple[Style, ...] | None = None,
) -> Path:
    """Write a picture sheet: views all around, and below them the same in other styles.

    Args:
        mesh: in an optical frame (x right, y down, z forward), any unit.
        path: of the .png file.
        views: how many, evenly spaced, from the camera's own to the right.
        size: height of one view in pixels; its width fits the person.
        styles: the rows; None: ``usual_styles``.

    Returns:
        The path.

    Raises:
        ExportError: the mesh is empty, the ending is not .png, or the file cannot be written.
    """
    path = _png(path)
    rows = usual_styles(mesh) if styles is None else styles
    for style in rows:
        _check(mesh, style)
    framing = _Framing.around(mesh)
    width = round(size * min(1.0, max(0.35, framing.half_width / framing.half_height)))
    columns = [
        np.concatenate(_render(mesh, framing, 360.0 * i / views, size, width, rows))
        for i in range(views)
    ]
    with written_atomically(path) as temporary:
        Image.fromarray(np.concatenate(columns, axis=1)).save(temporary, format="PNG")
    return path


def _png(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ExportError(f"cannot write {path}: a picture is a .png file")
    return path


def _check(mesh: Mesh, style: Style) -> None:
    if len(mesh.faces) == 0:
        raise ExportError("cannot draw a mesh without faces")
    if style in ("normals", "clay"):
        return
    if mesh.colors is None:
        raise ExportError("cannot draw the colours of a mesh that has none; draw it in clay")
    if style in ("shaded", "albedo") and style not in (mesh.shows, *mesh.other_colors):
        raise ExportError(f"cannot draw the {style} colours of a mesh that has none")


def _colors_in(mesh: Mesh, style: Style) -> npt.NDArray[np.uint8]:
    shown = mesh.showing(style) if style == "shaded" or style == "albedo" else mesh
    assert shown.colors is not None  # _check has looked.
    return shown.colors


def _render(
    mesh: Mesh,
    framing: _Framing,
    yaw_deg: float,
    height: int,
    width: int,
    styles: tuple[Style, ...],
) -> list[npt.NDArray[np.uint8]]:
    """One picture (height, width, 3) a style."""
    rows, columns = height * _SUPERSAMPLING, width * _SUPERSAMPLING
    viewer_from_mesh = _viewer_from_mesh(yaw_deg)
    points = (mesh.vertices - framing.center) @ viewer_from_mesh.T
    points = points * framing.pixels_per_unit(rows, columns)
    points = points + np.array([(columns - 1) / 2, (rows - 1) / 2, 0.0], dtype=np.float32)
    fragments = rasterize(torch.from_numpy(points), torch.from_numpy(mesh.faces), rows, columns)

    face = fragments.face.numpy()
    hit = face >= 0
    corners = mesh.faces[face[hit]]
    weights = fragments.barycentric.numpy()[hit][:, :, None]
    normals = mesh.normals
    if normals is None:
        normals = vertex_normals(mesh.vertices, mesh.faces)
    normal = (normals[corners] * weights).sum(axis=1) @ viewer_from_mesh.T
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)

    pictures = []
    for style in styles:
        picture = _background(rows, columns)
        if style == "normals":
            shown = normal * np.array([0.5, -0.5, -0.5], dtype=np.float32) + 0.5
            picture[hit] = linear_from_srgb(np.rint(255 * shown).astype(np.uint8))
        elif style == "clay":
            picture[hit] = _CLAY * _studio_light(normal)
        else:
            colors = linear_from_srgb(_colors_in(mesh, style))
            light = (colors[corners] * weights).sum(axis=1)
            picture[hit] = light * _soft_light(normal) if style == "color" else light
        picture = picture.reshape(height, _SUPERSAMPLING, width, _SUPERSAMPLING, 3)
        pictures.append(srgb_from_linear(picture.mean(axis=(1, 3))))
    return pictures


def _viewer_from_mesh(yaw_deg: float) -> npt.NDArray[np.float32]:
    """(3, 3) rotation about the vertical."""
    cos, sin = np.cos(np.deg2rad(yaw_deg)), np.sin(np.deg2rad(yaw_deg))
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], dtype=np.float32)


def _background(height: int, width: int) -> Rgb:
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    column = _BACKGROUND_TOP * (1 - down) + _BACKGROUND_BOTTOM * down
    return np.repeat(column, width, axis=1)


def _soft_light(normal: Rgb) -> Rgb:
    """Light (N, 1) for colours that hold the photo's own light already: only a hint of shape."""
    return 0.78 + 0.22 * np.clip(-normal[:, 2:], 0, 1)


def _studio_light(normal: Rgb) -> Rgb:
    """Light (N, 1) of a key light from the upper left, a fill light, the sky and the floor."""
    key = np.clip(normal @ _KEY_LIGHT, 0, 1)
    fill = np.clip(normal @ _FILL_LIGHT, 0, 1)
    sky = 0.5 - 0.5 * normal[:, 1]
    light: Rgb = (0.05 + 0.72 * key + 0.14 * fill + 0.15 * sky)[:, None]
    return light
