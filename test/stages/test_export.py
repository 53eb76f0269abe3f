from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from analytic_shapes import SignedDistanceField, torus

from pifuhd_ros.stages.export import EXPORT_ENDINGS, export_mesh
from pifuhd_ros.stages.srgb import linear_from_srgb, srgb_from_linear
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import ExportError, Mesh


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    """Two metres in front of the camera, colours from all of the range."""
    plain = extract_surface(SignedDistanceField(torus()), 32).mesh
    generator = np.random.default_rng(0)
    count = len(plain.vertices)
    return replace(
        plain,
        vertices=plain.vertices + np.array([0.3, 0.2, 2.0], dtype=np.float32),
        colors=generator.integers(0, 256, (count, 3), dtype=np.uint8),
        seen=generator.random(count) < 0.5,
        color_sources=generator.integers(0, 3, count, dtype=np.uint8),
    )


def read(path: Path) -> trimesh.Trimesh:
    loaded = trimesh.load(path, process=False, maintain_order=True)
    if isinstance(loaded, trimesh.Scene):
        (loaded,) = loaded.geometry.values()
    return loaded


def glb_parts(path: Path) -> tuple[dict, bytes]:
    content = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", content)
    assert (magic, version, length) == (b"glTF", 2, len(content))
    json_length, kind = struct.unpack_from("<I4s", content, 12)
    assert kind == b"JSON"
    binary_length, kind = struct.unpack_from("<I4s", content, 20 + json_length)
    assert kind == b"BIN\0"
    binary = content[28 + json_length :]
    assert len(binary) == binary_length
    return json.loads(content[20 : 20 + json_length]), binary


def glb_array(path: Path, name: str, dtype: str, width: int) -> np.ndarray:
    document, binary = glb_parts(path)
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"][name]]
    view = document["bufferViews"][accessor["bufferView"]]
    data = binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
    return np.frombuffer(data, dtype).reshape(accessor["count"], width)


UPRIGHT = np.array([1.0, -1.0, -1.0])


@pytest.mark.parametrize("ending", EXPORT_ENDINGS)
class TestAllFormats:
    def test_read_back_upright_and_outward(self, mesh: Mesh, tmp_path: Path, ending: str) -> None:
        loaded = read(export_mesh(mesh, tmp_path / f"person{ending}"))
        np.testing.assert_allclose(loaded.vertices, mesh.vertices * UPRIGHT, atol=1e-6)
        np.testing.assert_array_equal(loaded.faces, mesh.faces)
        assert loaded.volume == pytest.approx(2 * np.pi**2 * 0.5 * 0.2**2, rel=0.05)
        assert mesh.normals is not None
        np.testing.assert_allclose(loaded.vertex_normals, mesh.normals * UPRIGHT, atol=1e-5)

    def test_without_colours_and_normals(self, mesh: Mesh, tmp_path: Path, ending: str) -> None:
        bare = Mesh(vertices=mesh.vertices, faces=mesh.faces)
        loaded = read(export_mesh(bare, tmp_path / f"person{ending}"))
        np.testing.assert_allclose(loaded.vertices, mesh.vertices * UPRIGHT, atol=1e-6)
        np.testing.assert_array_equal(loaded.faces, mesh.faces)
        assert loaded.visual.kind != "vertex"

    def test_capital_ending(self, mesh: Mesh, tmp_path: Path, ending: str) -> None:
        path = export_mesh(mesh, str(tmp_path / f"PERSON{ending.upper()}"))
        assert path.stat().st_size > 1000

    def test_missing_folder(self, mesh: Mesh, tmp_path: Path, ending: str) -> None:
        with pytest.raises(ExportError, match=r"there is no folder .*nowhere"):
            export_mesh(mesh, tmp_path / "nowhere" / f"person{ending}")

    def test_twice_gives_the_same_bytes(self, mesh: Mesh, tmp_path: Path, ending: str) -> None:
        first = export_mesh(mesh, tmp_path / f"a{ending}").read_bytes()
        assert first == export_mesh(mesh, tmp_path / f"b{ending}").read_bytes()


class TestGlb:
    def test_colours_are_linear(self, mesh: Mesh, tmp_path: Path) -> None:
        path = export_mesh(mesh, tmp_path / "person.glb")
        rgba = glb_array(path, "COLOR_0", "<u2", 4)
        assert (rgba[:, 3] == 65535).all()
        assert mesh.colors is not None
        np.testing.assert_array_equal(srgb_from_linear(rgba[:, :3] / 65535), mesh.colors)
        # Half of sRGB's range is about a fifth of the light.
        np.testing.assert_allclose(
            rgba[:, :3] / 65535, linear_from_srgb(mesh.colors), atol=1 / 65535
        )

    def test_accessors_obey_the_standard(self, mesh: Mesh, tmp_path: Path) -> None:
        document, binary = glb_parts(export_mesh(mesh, tmp_path / "person.glb"))
        assert document["buffers"] == [{"byteLength": len(binary)}]
        assert all(view["byteOffset"] % 4 == 0 for view in document["bufferViews"])
        position = document["accessors"][1]
        upright = mesh.vertices * UPRIGHT
        np.testing.assert_allclose(position["min"], upright.min(axis=0), atol=1e-6)
        np.testing.assert_allclose(position["max"], upright.max(axis=0), atol=1e-6)
        material = document["materials"][0]["pbrMetallicRoughness"]
        assert material == {"metallicFactor": 0.0, "roughnessFactor": 1.0}

    def test_normals(self, mesh: Mesh, tmp_path: Path) -> None:
        path = export_mesh(mesh, tmp_path / "person.glb")
        assert mesh.normals is not None
        np.testing.assert_allclose(
            glb_array(path, "NORMAL", "<f4", 3), mesh.normals * UPRIGHT, atol=1e-6
        )

    def test_the_source_of_each_colour(self, mesh: Mesh, tmp_path: Path) -> None:
        path = export_mesh(mesh, tmp_path / "person.glb")
        numbers = glb_array(path, "_COLOR_SOURCE", "<f4", 1)[:, 0]
        np.testing.assert_array_equal(numbers, mesh.color_sources)
        extras = glb_parts(path)[0]["meshes"][0]["extras"]
        assert extras["color_sources"] == ["guess", "photo", "albedo_system"]
        attributes = read(path).vertex_attributes
        np.testing.assert_array_equal(attributes["_COLOR_SOURCE"].ravel(), numbers)


class TestObjAndPly:
    @pytest.mark.parametrize("ending", [".obj", ".ply"])
    def test_colours_are_srgb(self, mesh: Mesh, tmp_path: Path, ending: str) -> None:
        loaded = read(export_mesh(mesh, tmp_path / f"person{ending}"))
        assert mesh.colors is not None
        np.testing.assert_array_equal(loaded.visual.vertex_colors[:, :3], mesh.colors)

    def test_an_obj_line_holds_position_and_colour(self, mesh: Mesh, tmp_path: Path) -> None:
        text = export_mesh(mesh, tmp_path / "person.obj").read_text()
        line = next(line for line in text.splitlines() if line.startswith("v "))
        numbers = [float(word) for word in line.split()[1:]]
        assert mesh.colors is not None
        np.testing.assert_allclose(numbers[:3], mesh.vertices[0] * UPRIGHT, atol=1e-6)
        np.testing.assert_allclose(numbers[3:], mesh.colors[0] / 255, atol=1e-6)

    def test_a_ply_says_what_was_seen_and_where_colours_come_from(
        self, mesh: Mesh, tmp_path: Path
    ) -> None:
        loaded = read(export_mesh(mesh, tmp_path / "person.ply"))
        vertex = loaded.metadata["_ply_raw"]["vertex"]["data"]
        assert mesh.seen is not None
        np.testing.assert_array_equal(vertex["seen"].astype(bool).ravel(), mesh.seen)
        np.testing.assert_array_equal(vertex["color_source"].ravel(), mesh.color_sources)


class TestFiles:
    @pytest.mark.parametrize("name", ["person.stl", "person", "person.glb.txt"])
    def test_unknown_ending(self, mesh: Mesh, tmp_path: Path, name: str) -> None:
        with pytest.raises(ExportError, match=r"choose one of \.glb, \.obj, \.ply"):
            export_mesh(mesh, tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_empty_mesh(self, tmp_path: Path) -> None:
        empty = Mesh(np.zeros((0, 3), dtype=np.float32), np.zeros((0, 3), dtype=np.int64))
        with pytest.raises(ExportError, match="no faces"):
            export_mesh(empty, tmp_path / "person.glb")

    def test_an_existing_file_is_replaced(self, mesh: Mesh, tmp_path: Path) -> None:
        path = tmp_path / "person.ply"
        path.write_bytes(b"old")
        export_mesh(mesh, path)
        assert len(read(path).vertices) == len(mesh.vertices)
        assert [entry.name for entry in tmp_path.iterdir()] == ["person.ply"]

    def test_a_failure_leaves_the_old_file_and_nothing_else(
        self, mesh: Mesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "person.glb"
        path.write_bytes(b"old")

        def full_disk(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full_disk)
        with pytest.raises(ExportError, match="No space left on device"):
            export_mesh(mesh, path)
        assert path.read_bytes() == b"old"
        assert [entry.name for entry in tmp_path.iterdir()] == ["person.glb"]


class TestSrgb:
    def test_round_trip(self) -> None:
        every = np.arange(256, dtype=np.uint8)
        np.testing.assert_array_equal(srgb_from_linear(linear_from_srgb(every)), every)

    def test_known_values(self) -> None:
        linear = linear_from_srgb(np.array([0, 10, 128, 255], dtype=np.uint8))
        np.testing.assert_allclose(linear, [0.0, 0.003035, 0.215861, 1.0], atol=1e-6)
