"""Scans in all the states that users have them in."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scan_shapes import BLUE, HALF, RED, coloured_egg, egg, egg_arrays, without_patch, write_obj

from pifuhd_ros.assets import scan_file
from pifuhd_ros.assets.scans import find_scans, read_scan
from pifuhd_ros.types import AssetError, Scan

VOLUME = 4 / 3 * np.pi * HALF.prod()


def volume(scan: Scan) -> float:
    a, b, c = scan.vertices[np.concatenate([scan.faces, scan.caps])].transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


def is_closed(scan: Scan) -> bool:
    """Every edge as often in one direction as in the other."""
    faces = np.concatenate([scan.faces, scan.caps])
    there = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    key = there @ [len(scan.vertices), 1]
    back = there[:, ::-1] @ [len(scan.vertices), 1]
    return bool((np.sort(key) == np.sort(back)).all())


def corner_colours(scan: Scan) -> np.ndarray:
    """(F, 3) nearest texel in the middle of each face."""
    result = np.zeros((len(scan.faces), 3))
    for row, texture in enumerate(scan.textures):
        mine = scan.face_material == row
        assert texture is not None
        u, v = (scan.face_uvs[mine].mean(1) % 1 * texture.shape[-1]).astype(int).T
        result[mine] = texture[:3, v, u].T
    return result


@pytest.fixture
def egg_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    if request.param == "obj":
        return write_obj(tmp_path)
    path = tmp_path / "egg.glb"
    egg().export(path)
    return path


@pytest.mark.parametrize("egg_file", ["obj", "glb"], indirect=True)
def test_a_textured_egg_is_welded_closed_and_coloured(egg_file: Path) -> None:
    scan = read_scan(egg_file, texture_size=32)
    assert scan.is_surface
    assert len(scan.caps) == 0
    assert is_closed(scan)
    assert volume(scan) == pytest.approx(VOLUME, rel=0.01)
    middles = scan.vertices[scan.faces].mean(1)
    clear = np.abs(middles[:, 0]) > 0.03
    expected = np.where(middles[:, :1] > 0, RED, BLUE)
    assert np.abs(corner_colours(scan) - expected)[clear].max() <= 2
    assert scan.colours is None
    np.testing.assert_allclose(scan.tints, 1)


def test_vertex_colours_of_a_ply(tmp_path: Path) -> None:
    path = tmp_path / "egg.ply"
    coloured_egg().export(path)
    scan = read_scan(path)
    assert is_closed(scan)
    assert scan.textures == (None,)
    left = scan.vertices[:, 0] > 0.01
    assert scan.colours is not None
    np.testing.assert_allclose(scan.colours[left] * 255, np.tile(RED, (left.sum(), 1)), atol=0.6)


@pytest.mark.parametrize(("scale", "unit"), [(1, "m"), (100, "cm"), (1000, "mm")])
def test_units_are_told_from_the_height(tmp_path: Path, scale: float, unit: str) -> None:
    path = tmp_path / "egg.glb"
    egg(scale).export(path)
    for wanted in ("auto", unit):
        assert np.ptp(read_scan(path, wanted).vertices[:, 1]) == pytest.approx(1.7, abs=1e-4)
    with pytest.raises(AssetError, match="--unit"):
        read_scan(path, "mm" if unit == "m" else "m")


def test_a_height_of_nobody_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "egg.glb"
    egg(10).export(path)
    with pytest.raises(AssetError, match="17 units high"):
        read_scan(path)


def test_z_up_faces_us(tmp_path: Path) -> None:
    vertices, faces, _ = egg_arrays()
    # As Blender has it: up is z, the face looks along -y.
    turned = vertices[:, [0, 2, 1]] * [1, -1, 1]
    trimesh.Trimesh(turned, faces, process=False).export(tmp_path / "egg.ply")
    scan = read_scan(tmp_path / "egg.ply", up="z")
    np.testing.assert_allclose(np.ptp(scan.vertices, axis=0), 2 * HALF, atol=1e-3)
    front = np.isclose(vertices[:, 2], HALF[2])
    z_of_front = scan.vertices[np.abs(scan.vertices[:, :2]).max(1) < 1e-3, 2].max()
    assert z_of_front == pytest.approx(vertices[front][0, 2], abs=1e-3)


def test_inside_out_is_turned(tmp_path: Path) -> None:
    mesh = egg()
    mesh.faces = mesh.faces[:, ::-1]
    mesh.export(tmp_path / "egg.glb")
    scan = read_scan(tmp_path / "egg.glb", texture_size=32)
    assert volume(scan) == pytest.approx(VOLUME, rel=0.01)
    middles = scan.vertices[scan.faces].mean(1)
    clear = np.abs(middles[:, 0]) > 0.03
    expected = np.where(middles[:, :1] > 0, RED, BLUE)
    assert np.abs(corner_colours(scan) - expected)[clear].max() <= 2


def test_holes_are_closed(tmp_path: Path) -> None:
    coloured_egg(without_patch()).export(tmp_path / "egg.ply")
    scan = read_scan(tmp_path / "egg.ply")
    assert scan.is_surface
    assert len(scan.caps) > 20
    assert is_closed(scan)
    assert volume(scan) == pytest.approx(VOLUME, rel=0.02)


def test_loose_faces_are_no_surface(tmp_path: Path) -> None:
    _, faces, _ = egg_arrays()
    coloured_egg(np.random.default_rng(0).random(len(faces)) > 0.3).export(tmp_path / "egg.ply")
    scan = read_scan(tmp_path / "egg.ply")
    assert not scan.is_surface
    assert len(scan.caps) == 0


def test_a_scene_of_several_meshes(tmp_path: Path) -> None:
    vertices, faces, _ = egg_arrays()
    upper = vertices[faces].mean(1)[:, 1] > 0
    scene = trimesh.Scene()
    for part, colour in ((upper, (1.0, 0.5, 0.0)), (~upper, (0.0, 0.2, 1.0))):
        material = trimesh.visual.material.PBRMaterial(baseColorFactor=[*colour, 1.0])
        mesh = trimesh.Trimesh(vertices - [0, 5, 0], faces[part], process=False)
        mesh.visual = trimesh.visual.TextureVisuals(
            uv=np.zeros((len(vertices), 2)), material=material
        )
        move = trimesh.transformations.translation_matrix([0, 5, 0])
        scene.add_geometry(mesh, transform=np.diag([-1.0, 1, 1, 1]) @ move)
    scene.export(tmp_path / "egg.glb")
    scan = read_scan(tmp_path / "egg.glb")
    assert len(scan.tints) == 2
    assert is_closed(scan)
    assert volume(scan) == pytest.approx(VOLUME, rel=0.01)
    top = scan.face_material[scan.vertices[scan.faces].mean(1)[:, 1].argmax()]
    # Factors are linear light: one half is 0.735 of the sRGB range.
    np.testing.assert_allclose(scan.tints[top], [1.0, 0.735, 0.0], atol=0.005)


@pytest.mark.parametrize("outside", ["../egg.png", "/etc/hostname", "none.png"])
def test_textures_come_from_the_folder_only(tmp_path: Path, outside: str) -> None:
    inner = tmp_path / "scans"
    inner.mkdir()
    path = write_obj(inner, picture=outside)
    (inner / "egg.png").rename(tmp_path / "egg.png")
    with pytest.raises(AssetError, match="not in its folder"):
        read_scan(path)


def test_a_missing_material_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"none\.mtl"):
        read_scan(write_obj(tmp_path, mtl="none.mtl"))


def test_a_broken_picture_is_told(tmp_path: Path) -> None:
    path = write_obj(tmp_path)
    (tmp_path / "egg.png").write_bytes(b"no picture")
    with pytest.raises(AssetError, match=r"egg\.png"):
        read_scan(path)


def test_points_are_no_scan(tmp_path: Path) -> None:
    trimesh.PointCloud(egg_arrays()[0]).export(tmp_path / "egg.ply")
    with pytest.raises(AssetError, match="no faces"):
        read_scan(tmp_path / "egg.ply")


def test_numbers_that_are_none_are_told(tmp_path: Path) -> None:
    vertices, faces, _ = egg_arrays()
    vertices[1000] = np.nan
    trimesh.Trimesh(vertices, faces, process=False).export(tmp_path / "egg.ply")
    with pytest.raises(AssetError, match="not finite"):
        read_scan(tmp_path / "egg.ply")


def test_what_is_too_large_is_told_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    liar = tmp_path / "liar.ply"
    liar.write_text("ply\nformat ascii 1.0\nelement vertex 4000000000\nend_header\n")
    with pytest.raises(AssetError, match="4000000000 vertices"):
        read_scan(liar)
    monkeypatch.setattr(scan_file, "MAX_FACES", 1000)
    egg().export(tmp_path / "egg.glb")
    for path in (tmp_path / "egg.glb", write_obj(tmp_path)):
        with pytest.raises(AssetError, match="decimate"):
            read_scan(path)
    monkeypatch.undo()
    monkeypatch.setattr(scan_file, "MAX_TEXTURE_PIXELS", 1000)
    for path in (tmp_path / "egg.glb", tmp_path / "egg.obj"):
        with pytest.raises(AssetError, match="scale it down"):
            read_scan(path)


def test_damage_and_compression_are_told(tmp_path: Path) -> None:
    path = tmp_path / "egg.glb"
    egg().export(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AssetError, match="damaged"):
        read_scan(path)
    path.write_bytes(b"glTF" + struct.pack("<III", 2, 100, 80) + whole[16:100])
    with pytest.raises(AssetError, match="damaged"):
        read_scan(path)
    header = json.dumps({"extensionsRequired": ["KHR_draco_mesh_compression"]}).encode()
    path.write_bytes(
        b"glTF" + struct.pack("<III", 2, 20 + len(header), len(header)) + b"JSON" + header
    )
    with pytest.raises(AssetError, match="draco"):
        read_scan(path)


def test_scans_are_found_sorted_in_all_folders(tmp_path: Path) -> None:
    for name in ("b.glb", "a/c.PLY", "a/b/d.obj", "a/e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in find_scans(tmp_path)]
    assert names == ["a/b/d.obj", "a/c.PLY", "b.glb"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(AssetError, match="holds no scan"):
        find_scans(empty)
    with pytest.raises(AssetError, match="not a folder"):
        find_scans(tmp_path / "none")
