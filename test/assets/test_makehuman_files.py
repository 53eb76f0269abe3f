"""Readers of MakeHuman's files, and the caps that close open meshes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pifuhd_ros.assets.makehuman import (
    read_fit,
    read_material_texture,
    read_obj,
)
from pifuhd_ros.assets.pack import boundary_caps, pack_assets, packed_assets
from pifuhd_ros.body.model import BODY_FILE
from pifuhd_ros.types import AssetError


def test_obj_quads_become_triangles_with_their_groups_and_uvs(tmp_path: Path) -> None:
    path = tmp_path / "a.obj"
    path.write_text(
        "# a quad\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        "g cloth\nf 1/1 2/2 3/3 4/4\n"
    )
    mesh = read_obj(path)
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.face_uvs[1].tolist() == [[0, 0], [1, 1], [0, 1]]
    assert mesh.groups.tolist() == ["cloth", "cloth"]


def test_obj_without_faces_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "empty.obj"
    path.write_text("v 0 0 0\n")
    with pytest.raises(AssetError, match=r"empty\.obj"):
        read_obj(path)


def test_fit_reads_scales_vertices_and_hidden_ranges(tmp_path: Path) -> None:
    path = tmp_path / "shirt.mhclo"
    path.write_text(
        "# comment\nobj_file shirt.obj\nmaterial shirt.mhmat\nx_scale 3 4 1.5\nverts 0\n"
        "1 2 3 0.2 0.3 0.5 0.1 0 0\n7\n\ndelete_verts\n5 - 7 9\n"
    )
    fit = read_fit(path)
    assert fit.base.tolist() == [[1, 2, 3], [7, 7, 7]]
    assert fit.weights.tolist() == [[0.2, 0.3, 0.5], [1, 0, 0]]
    assert fit.offsets[0].tolist() == [0.1, 0, 0]
    assert fit.scales.tolist() == [[3, 4, 1.5], [0, 0, 0], [0, 0, 0]]
    assert fit.hidden.tolist() == [5, 6, 7, 9]
    assert fit.mesh_file == tmp_path / "shirt.obj"


def test_material_texture_is_found_beside_its_file(tmp_path: Path) -> None:
    path = tmp_path / "shirt.mhmat"
    path.write_text("name shirt\ndiffuseTexture shirt.png\n")
    assert read_material_texture(path) == tmp_path / "shirt.png"
    assert read_material_texture(path, "normalmapTexture") is None


def test_caps_close_an_open_tube() -> None:
    around = 8
    faces = []
    for i in range(around):
        j = (i + 1) % around
        faces += [[i, j, around + i], [j, around + j, around + i]]
    caps = boundary_caps(np.array(faces))
    assert len(caps) == 2 * around
    assert len(np.unique(caps[:, 2])) == 2
    closed = np.concatenate([faces, caps + np.array([0, 0, 2 * around])])
    edges = np.concatenate([closed[:, [0, 1]], closed[:, [1, 2]], closed[:, [2, 0]]])
    forward = {tuple(e) for e in edges.tolist()}
    assert len(forward) == len(edges)
    assert forward == {(b, a) for a, b in forward}


def test_closed_mesh_needs_no_caps() -> None:
    faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    assert len(boundary_caps(faces)) == 0


def test_folder_that_is_no_asset_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"3dobjs/base\.obj"):
        pack_assets(tmp_path, BODY_FILE, tmp_path / "out.safetensors")


def test_a_packed_file_is_used_as_it_is_and_a_wrong_folder_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "assets.safetensors"
    file.touch()
    with packed_assets(file, BODY_FILE) as packed:
        assert packed == file
    with pytest.raises(AssetError, match=r"3dobjs/base\.obj"), packed_assets(tmp_path, BODY_FILE):
        pass


def test_a_folder_is_packed_for_the_time_of_use(assets_folder: Path) -> None:
    with packed_assets(assets_folder, BODY_FILE) as packed:
        assert packed.stat().st_size > 1_000_000
    assert not packed.exists()
