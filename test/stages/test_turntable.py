from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analytic_shapes import SignedDistanceField, capsules
from PIL import Image

from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.stages.turntable import render_turntable, render_view, usual_styles
from pifuhd_ros.types import ExportError, Mesh

SIZE = 64


@pytest.fixture(scope="module")
def pole() -> Mesh:
    """An upright pole in an optical frame: its camera side red, its far side blue.

    An arm reaches to the camera's right (x) near the upper end (negative y).
    """
    shape = capsules(
        [([0.0, -0.7, 0.0], [0.0, 0.7, 0.0], 0.15), ([0.0, -0.5, 0.0], [0.5, -0.5, 0.0], 0.08)]
    )
    mesh = extract_surface(SignedDistanceField(shape), 64).mesh
    near = mesh.vertices[:, 2:] < 0
    return replace(mesh, colors=np.where(near, (220, 20, 20), (20, 20, 220)).astype(np.uint8))


def is_background(picture: np.ndarray) -> np.ndarray:
    return picture.min(axis=-1) > 200


def extent(picture: np.ndarray, height: float) -> tuple[int, int]:
    """First and last column of the mesh in a row, given as part of the picture's height."""
    columns = np.flatnonzero(~is_background(picture[int(picture.shape[0] * height)]))
    return int(columns[0]), int(columns[-1])


def pole_color(picture: np.ndarray) -> str:
    """The colour in the middle of the pole, below the arm."""
    row = picture[int(picture.shape[0] * 0.6)]
    red, _, blue = row[sum(extent(picture, 0.6)) // 2].astype(int)
    return "red" if red > blue + 50 else "blue" if blue > red + 50 else "other"


class TestView:
    def test_the_camera_sees_the_near_side_upright(self, pole: Mesh) -> None:
        picture = render_view(pole, 0.0, SIZE)
        assert picture.shape == (SIZE, SIZE, 3)
        assert picture.dtype == np.uint8
        assert pole_color(picture) == "red"
        (pole_left, pole_right), (arm_left, arm_right) = extent(picture, 0.7), extent(picture, 0.23)
        assert arm_right > pole_right + 6
        assert abs(arm_left - pole_left) <= 1

    def test_from_behind(self, pole: Mesh) -> None:
        picture = render_view(pole, 180.0, SIZE)
        assert pole_color(picture) == "blue"
        assert extent(picture, 0.23)[0] < extent(picture, 0.7)[0] - 6

    @pytest.mark.parametrize(
        ("yaw_deg", "left", "right"), [(90, "red", "blue"), (-90, "blue", "red")]
    )
    def test_the_viewer_walks_to_the_right(
        self, pole: Mesh, yaw_deg: float, left: str, right: str
    ) -> None:
        picture = render_view(pole, yaw_deg, SIZE)
        row = picture[int(SIZE * 0.7)]
        first, last = extent(picture, 0.7)
        names = {True: "red", False: "blue"}
        assert names[bool(row[first + 1, 0] > row[first + 1, 2])] == left
        assert names[bool(row[last - 1, 0] > row[last - 1, 2])] == right

    def test_the_mesh_fills_the_picture_without_touching_its_border(self, pole: Mesh) -> None:
        hit = ~is_background(render_view(pole, 0.0, SIZE))
        rows = np.flatnonzero(hit.any(axis=1))
        assert 1 <= rows[0] <= 0.08 * SIZE
        assert SIZE - 0.08 * SIZE - 1 <= rows[-1] <= SIZE - 2

    def test_clay_has_no_colour_but_shading(self, pole: Mesh) -> None:
        picture = render_view(pole, 0.0, SIZE, style="clay").astype(int)
        clay = picture[~is_background(picture)]
        assert abs(clay[:, 0] - clay[:, 2]).max() < 40
        assert np.ptp(clay[:, 1]) > 60

    def test_edges_are_smooth(self, pole: Mesh) -> None:
        picture = render_view(pole, 0.0, SIZE)
        row = picture[int(SIZE * 0.7), :, 1].astype(int)
        assert ((row > 60) & (row < 200)).any()

    def test_place_and_unit_do_not_matter(self, pole: Mesh) -> None:
        moved = replace(pole, vertices=pole.vertices * np.float32(2) + np.float32(4))
        difference = render_view(pole, 30.0, SIZE).astype(int) - render_view(moved, 30.0, SIZE)
        assert (abs(difference).max(axis=-1) > 8).mean() < 0.01

    def test_without_normals(self, pole: Mesh) -> None:
        bare = Mesh(pole.vertices, pole.faces)
        assert not is_background(render_view(bare, size=SIZE, style="clay")).all()

    def test_without_colours(self, pole: Mesh) -> None:
        with pytest.raises(ExportError, match="clay"):
            render_view(replace(pole, colors=None), size=SIZE)

    def test_empty(self) -> None:
        with pytest.raises(ExportError, match="without faces"):
            render_view(Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)))


class TestSheet:
    def test_two_rows_of_views(self, pole: Mesh, tmp_path: Path) -> None:
        path = render_turntable(pole, tmp_path / "sheet.png", views=4, size=SIZE)
        sheet = np.asarray(Image.open(path))
        width = sheet.shape[1] // 4
        assert sheet.shape == (2 * SIZE, 4 * width, 3)
        assert 0.35 * SIZE <= width <= SIZE
        views = [sheet[:SIZE, i * width : (i + 1) * width] for i in range(4)]
        assert pole_color(views[0]) == "red"
        assert pole_color(views[2]) == "blue"
        assert pole_color(sheet[SIZE:, :width]) == "other"
        assert [entry.name for entry in tmp_path.iterdir()] == ["sheet.png"]

    def test_an_albedo_is_shown_shaded_plain_and_as_normals(
        self, pole: Mesh, tmp_path: Path
    ) -> None:
        assert pole.colors is not None
        lit = replace(pole, shows="albedo", other_colors={"shaded": 255 - pole.colors})
        for mesh in (lit, lit.showing("shaded")):
            path = render_turntable(mesh, tmp_path / "sheet.png", views=1, size=SIZE)
            sheet = np.asarray(Image.open(path))
            rows = [sheet[i * SIZE : (i + 1) * SIZE] for i in range(3)]
            assert len(sheet) == 3 * SIZE
            assert pole_color(rows[1]) == "red"
            assert pole_color(rows[0]) == "blue"
            assert rows[2][int(SIZE * 0.6), sum(extent(rows[2], 0.6)) // 2, 2] > 240
        only = replace(pole, shows="albedo")
        assert usual_styles(only) == ("albedo", "normals")
        with pytest.raises(ExportError, match="shaded"):
            render_view(only, size=SIZE, style="shaded")

    def test_one_row_without_colours(self, pole: Mesh, tmp_path: Path) -> None:
        path = render_turntable(replace(pole, colors=None), tmp_path / "s.png", views=2, size=SIZE)
        assert Image.open(path).height == SIZE

    def test_other_ending(self, pole: Mesh, tmp_path: Path) -> None:
        with pytest.raises(ExportError, match=r"\.png"):
            render_turntable(pole, tmp_path / "sheet.gif")

    def test_missing_folder(self, pole: Mesh, tmp_path: Path) -> None:
        with pytest.raises(ExportError, match="no folder"):
            render_turntable(pole, tmp_path / "nowhere" / "sheet.png", views=1, size=SIZE)
