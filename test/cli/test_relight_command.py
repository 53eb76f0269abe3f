"""``pifuhd relight`` as a user calls it, after ``pifuhd reconstruct --system phorhum``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pifuhd_ros.cli.main import main


def test_a_photo_becomes_albedo_and_is_lit_anew(
    tmp_path: Path,
    drawn_person: np.ndarray,
    phorhum_slab_weights: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo, mesh = tmp_path / "photo.png", tmp_path / "person.glb"
    Image.fromarray(drawn_person).save(photo)
    weights = ["--weights", str(phorhum_slab_weights), "--device", "cpu"]
    arguments = ["reconstruct", str(photo), "-o", str(mesh), "--system", "phorhum", "--quiet"]
    assert main([*arguments, *weights, "--resolution", "64"]) == 0

    like, lamp = tmp_path / "like.png", tmp_path / "lamp.png"
    relight = ["relight", str(mesh), "--size", "96"]
    assert main([*relight, "-o", str(like), "--like", str(photo), *weights]) == 0
    assert main([*relight, "-o", str(lamp), "--light", "-1", "0", "-2", "--turntable"]) == 0

    assert Image.open(like).size == (96, 96)
    assert Image.open(lamp).width > 8 * 30
    assert capsys.readouterr().out.splitlines() == [str(like), str(lamp)]
    lit, dark = (np.asarray(Image.open(p))[30:60, 40:56].mean() for p in (like, lamp))
    assert lit > 1.3 * dark  # The lamp is behind the slab.

    with_photo_colours = ["--color", "photo"]
    assert main([*arguments, *weights, *with_photo_colours]) == 1
    assert "use albedo, shaded" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*relight, "-o", str(tmp_path / "a.jpg"), "--light", "1", "0", "0"])
    assert "does not end in .png" in capsys.readouterr().err
    nowhere = str(tmp_path / "nowhere" / "a.png")
    assert main([*relight, "-o", nowhere, "--like", "missing.jpg"]) == 1
    assert "no folder" in capsys.readouterr().err
    assert main([*relight, "-o", str(lamp), "--light", "0", "0", "0"]) == 1
    assert "direction" in capsys.readouterr().err
