"""``pifuhd train`` as a user calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pifuhd_ros.cli.main import main

_CONFIG = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from dataclasses import replace
from tiny import CONFIG as BASE, STAGE
CONFIG = replace(BASE, stages=(
    replace(STAGE, name="coarse", levels=("normals", "coarse"), steps=4),
    replace(STAGE, name="fine", levels=("fine",), steps=4),
))
"""


@pytest.fixture
def arguments(people: Path, tmp_path: Path) -> list[str]:
    config = tmp_path / "config.py"
    config.write_text(_CONFIG)
    return [
        *("train", "--config", str(config), "--data", str(people)),
        *("--out", str(tmp_path / "run"), "--accelerator", "cpu"),
    ]


def test_a_run_is_trained_in_pieces(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard")
    assert main([*arguments, "--set", "fine.steps=3", "--minutes", "0"]) == 0
    printed = capsys.readouterr().out
    assert "coarse: 1 of 4 steps, 2 views" in printed
    assert "the same command goes on" in printed
    assert main([*arguments, "--set", "fine.steps=3"]) == 0
    printed = capsys.readouterr().out
    assert "coarse: 4 of 4 steps, 8 views" in printed
    assert "fine: 3 of 3 steps, 6 views" in printed
    assert "goes on" not in printed
    run = tmp_path / "run"
    assert (run / "weights.safetensors").is_file()
    assert (run / "fine" / "log.jsonl").is_file()
    assert list((run / "coarse" / "board").glob("events*"))


def test_two_processes_train_by_the_same_command(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pifuhd_ros", *arguments, "--devices", "2", "--no-board"]
    done = subprocess.run(
        [*command, "--threads", "1"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("fine: 4 of 4 steps") == 1
    assert (tmp_path / "run" / "weights.safetensors").is_file()


def test_a_bare_gpu_machine_has_all_that_it_needs(arguments: list[str]) -> None:
    """What the rest of the package needs may be missing there."""
    code = (
        "import sys\n"
        "for name in ('cv2', 'mediapipe', 'trimesh', 'open3d', 'tensorboard'):\n"
        "    sys.modules[name] = None\n"
        "from pifuhd_ros.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--no-board", "--minutes", "0"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "coarse: 1 of 4 steps" in done.stdout


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--config", "nothing"], "there is no config nothing"),
        (["--set", "coarse.steps=many"], "expected int"),
        (["--data", "nowhere"], "pifuhd synthesize"),
        (["--init", "nowhere.safetensors"], "no weights at"),
        (["--accelerator", "cuda"], "cannot be used"),
    ],
)
def test_what_cannot_be_is_said(
    arguments: list[str], extra: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if extra[0] == "--accelerator":
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
    assert main([*arguments, *extra]) == 1
    assert message in capsys.readouterr().err


def test_a_missing_lightning_is_named(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "lightning.fabric", None)
    assert main(arguments) == 1
    assert "pip install 'lightning" in capsys.readouterr().err
