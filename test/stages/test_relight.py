"""A mesh file is read back, and its albedo lit from where the lamp is."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analytic_shapes import SignedDistanceField, sphere

from pifuhd_ros.stages.export import export_mesh
from pifuhd_ros.stages.glb_reader import read_glb
from pifuhd_ros.stages.relight import AMBIENT, lamp_shading, normals_towards_viewer, relit
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.stages.turntable import render_view
from pifuhd_ros.types import Mesh, MeshError


@pytest.fixture(scope="module")
def ball() -> Mesh:
    """Grey, before the camera, in the optical frame."""
    plain = extract_surface(SignedDistanceField(sphere(0.6, (0, 0, 0))), 64).mesh
    colors = np.full_like(plain.vertices, 128).astype(np.uint8)
    return replace(plain, colors=colors, shows="albedo")


def test_a_file_is_read_back(ball: Mesh, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    colors = generator.integers(0, 256, ball.vertices.shape, dtype=np.uint8)
    sources = generator.integers(0, 3, len(colors), dtype=np.uint8)
    mesh = replace(ball, colors=colors, color_sources=sources)
    back = read_glb(export_mesh(mesh, tmp_path / "ball.glb"))
    assert np.array_equal(back.vertices, mesh.vertices)
    assert np.array_equal(back.faces, mesh.faces)
    assert np.array_equal(back.normals, mesh.normals)
    assert np.array_equal(back.colors, colors)
    assert np.array_equal(back.color_sources, sources)
    assert back.shows == "albedo"


def test_other_files_are_refused(ball: Mesh, tmp_path: Path) -> None:
    with pytest.raises(MeshError, match="cannot read"):
        read_glb(tmp_path / "missing.glb")
    path = export_mesh(ball, tmp_path / "ball.glb")
    content = path.read_bytes()
    for damaged in (b"", content[:-8], b"hello" + content, content.replace(b"extras", b"extrax")):
        path.write_bytes(damaged)
        with pytest.raises(MeshError, match="damaged"):
            read_glb(path)
    wrong = content.replace(b'"albedo"', b'"plaids"')
    path.write_bytes(wrong)
    with pytest.raises(MeshError, match="plaids"):
        read_glb(path)
    faces = struct.pack("<I", 10**9)
    binary = content.index(b"BIN\0") + 4
    path.write_bytes(content[:binary] + faces + content[binary + 4 :])
    with pytest.raises(MeshError, match="vertices that it does not have"):
        read_glb(path)


@pytest.mark.parametrize(
    ("light", "half"),
    [((1.0, 0, 0), "right"), ((0, 3.0, 0), "top"), ((0, 0, 1.0), "all"), ((0, 0, -1.0), "none")],
)
def test_the_side_of_the_lamp_is_bright(
    ball: Mesh, light: tuple[float, float, float], half: str
) -> None:
    lit = relit(ball, lamp_shading(normals_towards_viewer(ball), light))
    picture = render_view(lit, size=64, style="flat").astype(int)[..., 0]
    dark = 128 * AMBIENT ** (1 / 2.2)
    bright = picture > dark + 15
    bright[picture > 200] = False
    left, right = bright[20:44, 12:30].mean(), bright[20:44, 34:52].mean()
    top, low = bright[12:30, 20:44].mean(), bright[34:52, 20:44].mean()
    expected = {
        "right": left < 0.2 < 0.8 < right,
        "top": low < 0.2 < 0.8 < top,
        "all": min(left, right, top, low) > 0.9,
        "none": max(left, right, top, low) < 0.1,
    }
    assert expected[half]


def test_only_an_albedo_is_lit(ball: Mesh) -> None:
    shading = np.ones((len(ball.vertices), 1), np.float32)
    with pytest.raises(MeshError, match="colours of the photo"):
        relit(replace(ball, shows="photo"), shading)
    with pytest.raises(MeshError, match="no colours"):
        relit(replace(ball, colors=None), shading)
    with pytest.raises(MeshError, match="no normals"):
        normals_towards_viewer(replace(ball, normals=None))
    with pytest.raises(ValueError, match="direction"):
        lamp_shading(ball.vertices, (0.0, 0.0, 0.0))
    assert relit(ball, shading).shows == "shaded"
