"""``pifuhd reconstruct`` as a user calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pifuhd_ros.cli.main import main


@pytest.fixture
def photo(tmp_path: Path, drawn_person: np.ndarray) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(drawn_person).save(path)
    return path


def test_a_photo_becomes_a_mesh_file(
    photo: Path, slab_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trimesh = pytest.importorskip("trimesh")
    out, turntable = photo.with_suffix(".glb"), photo.with_name("turntable.png")
    arguments = ["reconstruct", str(photo), "-o", str(out), "--weights", str(slab_weights)]
    arguments += ["--device", "cpu", "--resolution", "64", "--stature", "1.5"]

    assert main([*arguments, "--turntable", str(turntable), "--camera-fov", "40"]) == 0

    mesh = trimesh.load(out, force="mesh")
    assert np.ptp(mesh.vertices[:, 1]) == pytest.approx(1.5, rel=0.05)
    assert Image.open(turntable).width > 500
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == [str(out), str(turntable)]
    assert any("1.5" in line and "assumed stature" in line for line in printed)
    assert not any("not calibrated" in line for line in printed)
    for stage in ("load", "detect", "normals", "surface", "place", "export", "total"):
        assert any(line.split()[0] == stage and line.endswith(" s") for line in printed), stage


def test_quiet_prints_nothing(
    photo: Path, slab_weights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["reconstruct", str(photo), "-o", str(photo.with_suffix(".glb")), "--quiet"]

    assert main([*arguments, "--weights", str(slab_weights), "--resolution", "64"]) == 0

    assert capfd.readouterr() == ("", "")


def test_without_a_calibration_a_note_says_so(
    photo: Path, slab_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["reconstruct", str(photo), "-o", str(photo.with_suffix(".ply"))]

    assert main([*arguments, "--weights", str(slab_weights), "--resolution", "64"]) == 0

    assert "note: The camera is not calibrated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jpg", "-o", "out.glb"], "missing.jpg is not a file"),
        (["{photo}", "-o", "nowhere/out.glb"], "no folder nowhere"),
        (["{photo}", "-o", "out.glb", "--weights", "missing.pt"], "no weights at missing.pt"),
        (["{photo}", "-o", "out.glb", "--device", "abacus"], "unknown device"),
        (["{photo}", "-o", "out.glb", "--resolution", "7"], "resolution 7"),
        (["{photo}", "-o", "out.glb", "--system", "magic"], "choose from pifuhd"),
        (["{blank}", "-o", "out.glb", "--weights", "{weights}"], "no person was found"),
    ],
)
def test_failures_are_one_line_and_exit_code_1(
    photo: Path,
    slab_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(photo.parent)
    Image.new("RGB", (200, 100)).save("blank.png")
    filled = [a.format(photo=photo, blank="blank.png", weights=slab_weights) for a in arguments]

    assert main(["reconstruct", *filled]) == 1

    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("pifuhd: ")
    assert error.count("\n") == 1
    assert not Path("out.glb").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["reconstruct"],
        ["reconstruct", "photo.jpg"],
        ["reconstruct", "photo.jpg", "-o", "mesh.stl"],
        ["reconstruct", "photo.jpg", "-o", "mesh.glb", "--turntable", "sheet.gif"],
        ["reconstruct", "photo.jpg", "-o", "mesh.glb", "--stature", "170"],
        ["reconstruct", "photo.jpg", "-o", "mesh.glb", "--stature", "nan"],
        ["reconstruct", "photo.jpg", "-o", "mesh.glb", "--camera-fov", "wide"],
        ["reconstruct", "photo.jpg", "-o", "mesh.glb", "--resolution", "1.5"],
        ["reconstruct", "photo.jpg", "-o", "mesh.glb", "--threads", "0"],
    ],
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    assert stopped.value.code == 2
    assert "usage: pifuhd" in capsys.readouterr().err


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "reconstruct" in capsys.readouterr().out

    with pytest.raises(SystemExit):
        main(["reconstruct", "--help"])
    assert "--turntable" in capsys.readouterr().out


def test_help_is_quick_and_without_heavy_libraries() -> None:
    code = (
        "import sys\nfrom pifuhd_ros.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('mediapipe', 'trimesh', 'cv2', 'rclpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pifuhd_ros", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("pifuhd ")


def test_albedo_weights_are_for_colours_that_need_them(
    photo: Path, slab_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = photo.with_name("none.safetensors")
    arguments = ["reconstruct", str(photo), "-o", str(photo.with_suffix(".glb"))]
    arguments += ["--weights", str(slab_weights), "--albedo-weights", str(missing)]

    assert main(arguments) == 1
    assert "for --color photo+albedo" in capsys.readouterr().err
    assert main([*arguments, "--color", "photo+albedo"]) == 1
    assert f"no weights at {missing}" in capsys.readouterr().err
