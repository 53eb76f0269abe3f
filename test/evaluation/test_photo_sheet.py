from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pifuhd_ros.cli.main import main
from pifuhd_ros.evaluation.contact_sheet import (
    LINE_PX,
    TILE_PX,
    SheetRow,
    normal_colours,
    save_contact_sheet,
    with_box,
)
from pifuhd_ros.evaluation.photo_sheet import TITLES, find_photos
from pifuhd_ros.types import ImageError


def test_sheet_fits_pictures_of_any_shape_and_grows_with_the_words(tmp_path: Path) -> None:
    red = np.full((10, 40, 3), (255, 0, 0), np.uint8)
    path = tmp_path / "folder" / "sheet.png"
    rows = [SheetRow([red, None], ["word " * 100]), SheetRow([None, red])]
    save_contact_sheet(["first", "second"], rows, path)
    with Image.open(path) as image:
        pixels = np.asarray(image).astype(int)
    lines = 6  # 500 letters at 91 a line
    height = 2 * LINE_PX + 2 * TILE_PX + LINE_PX * (lines + 1) + LINE_PX
    assert pixels.shape == (height, 2 * TILE_PX, 3)
    is_red = (pixels[..., 0] > 250) & (pixels[..., 1] < 5)
    assert is_red.sum() == 2 * TILE_PX * TILE_PX // 4
    assert is_red[:TILE_PX, :TILE_PX].any()
    assert is_red[-TILE_PX:, TILE_PX:].any()
    with pytest.raises(ValueError, match="2 tiles"):
        save_contact_sheet(["first", "second"], [SheetRow([red])], path)
    with pytest.raises(ValueError, match="no row"):
        save_contact_sheet(["first"], [], path)


def test_normals_have_the_usual_colours() -> None:
    normals = torch.tensor([[0.0, 0, 2], [1, 0, 0], [0, 0, 0]]).T.view(3, 1, 3)
    assert normal_colours(normals)[0].tolist() == [[128, 128, 255], [255, 128, 128], [255] * 3]


def test_box_is_drawn_around_and_only_within_the_picture() -> None:
    drawn = with_box(np.zeros((20, 30, 3), np.uint8), np.array([5.0, -3.0, 12.0, 9.0]))
    changed = drawn.any(axis=2)
    assert changed[0, 4]
    assert changed[10, 5:13].all()
    assert not changed[:10, 5:13].any()
    assert not changed[11:].any()


def test_photos_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in find_photos(tmp_path)] == ["a.png", "b.JPG"]
    with pytest.raises(ImageError, match="no folder"):
        find_photos(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="no image"):
        find_photos(tmp_path / "empty")


def test_command_shows_what_works_and_what_fails(
    drawn_person: np.ndarray,
    slab_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(drawn_person).save(folder / "a_person.png")
    Image.new("RGB", (64, 48), (90, 120, 200)).save(folder / "b_wall.png")
    (folder / "c_broken.png").write_bytes(b"no image")
    out = tmp_path / "sheet.png"
    arguments = ["photo-sheet", str(folder), "--out", str(out), "--weights", str(slab_weights)]
    arguments += ["--device", "cpu", "--resolution", "32"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert str(out) in printed.out
    assert "b_wall.png: no person was found" in printed.err
    assert "c_broken.png: " in printed.err
    assert "a_person" not in printed.err
    with Image.open(out) as image:
        pixels = np.asarray(image)
    assert pixels.shape[1] == len(TITLES) * TILE_PX
    first = pixels[2 * LINE_PX : 2 * LINE_PX + TILE_PX]
    for column in range(len(TITLES)):
        tile = first[:, column * TILE_PX : (column + 1) * TILE_PX]
        assert len(np.unique(tile.reshape(-1, 3), axis=0)) > 1
    for name in ("a_person.png", "b_wall.png"):
        (folder / name).unlink()
    assert main(arguments) == 1
    assert main([*arguments, "--system", "none"]) == 1
    assert "there is no system 'none'" in capsys.readouterr().err
