"""The set-up scripts, where that can be seen without setting anything up; what is packaged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

import pifuhd_ros

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted([*ROOT.glob("scripts/*.sh"), ROOT / ".ci" / "run"])

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def stub(folder: Path, name: str, text: str) -> Path:
    """A command that prints or exits as told."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the set-up reads, in a folder whose name has a space."""
    root = tmp_path / "check out"
    root.mkdir()
    shutil.copytree(ROOT / "scripts", root / "scripts")
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def setup(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return subprocess.run(
        ["bash", str(checkout / "scripts" / "setup.sh")],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def path_with(folder: Path) -> str:
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_well_formed_and_may_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_an_unfit_python_is_named(checkout: Path, tmp_path: Path) -> None:
    unfit = stub(tmp_path, "python3.13", "exit 1")
    result = setup(checkout, PYTHON=str(unfit))
    assert result.returncode == 1
    assert f"no Python 3.10, 3.11 or 3.12 with venv and headers among: {unfit}" in result.stderr
    assert "make setup PYTHON=" in result.stderr


def test_an_unknown_ros_is_named(checkout: Path) -> None:
    result = setup(checkout, ROS_DISTRO_WHEELS="galactic")
    assert result.returncode == 1
    assert "ROS_DISTRO_WHEELS=galactic is unknown" in result.stderr
    assert "jazzy" in result.stderr
    assert "kilted" in result.stderr


def test_a_machine_without_wheels_is_named(checkout: Path, tmp_path: Path) -> None:
    stub(tmp_path, "uname", "echo aarch64")
    result = setup(checkout, PATH=path_with(tmp_path))
    assert result.returncode == 1
    assert "this machine is aarch64" in result.stderr


def test_the_first_set_up_decides_which_ros(checkout: Path) -> None:
    made = checkout / ".venv" / "made"
    made.mkdir(parents=True)
    (made / "venv").write_text(f"{checkout} sourced-jazzy\n")
    result = setup(checkout)
    assert result.returncode == 1
    assert ".venv was made for a sourced ROS 2 (jazzy)" in result.stderr
    assert "make clean" in result.stderr


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt-get is not installed")
def test_who_may_not_install_is_told_the_command(checkout: Path, tmp_path: Path) -> None:
    stub(tmp_path, "id", "echo 1000")
    stub(tmp_path, "sudo", "exit 1")
    stub(tmp_path, "ldconfig", "echo '	libEGL.so.1 (libc6,x86-64) => /usr/lib/libEGL.so.1'")
    result = setup(checkout, PATH=path_with(tmp_path), PYTHON=sys.executable)
    assert result.returncode == 1
    [command] = re.findall(
        r"^  sudo apt-get update && sudo apt-get install .*", result.stderr, re.M
    )
    packages = command.split("--no-install-recommends ")[1].split()
    assert {"libgl1", "libusb-1.0-0", "libx11-6"} <= set(packages)
    assert "libegl1" not in packages
    assert not (checkout / ".venv").exists()


def test_nothing_runs_before_the_set_up(checkout: Path) -> None:
    result = subprocess.run(
        ["bash", str(checkout / "scripts" / "run.sh"), "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "run: make setup" in result.stderr


@pytest.mark.parametrize(
    ("made_for", "ament", "python_path"),
    [
        ("wheels-jazzy", "{venv}", ""),
        ("sourced-jazzy", "{venv}:/opt/ros/jazzy", "/opt/ros/jazzy/python"),
    ],
)
def test_commands_run_in_the_environment_that_was_made(
    checkout: Path, made_for: str, ament: str, python_path: str
) -> None:
    venv = checkout / ".venv"
    (venv / "made").mkdir(parents=True)
    (venv / "made" / "venv").write_text(f"{checkout} {made_for}\n")
    (venv / "made" / "interfaces").write_text("done\n")
    result = subprocess.run(
        ["bash", str(checkout / "scripts" / "run.sh"), "env"],
        env={
            "PATH": os.environ["PATH"],
            "ROS_DISTRO": "jazzy",
            "AMENT_PREFIX_PATH": "/opt/ros/jazzy",
            "PYTHONPATH": "/opt/ros/jazzy/python",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    seen = dict(line.partition("=")[::2] for line in result.stdout.splitlines())
    assert seen["VIRTUAL_ENV"] == str(venv)
    assert seen["PATH"].startswith(f"{venv}/bin:")
    assert seen["AMENT_PREFIX_PATH"] == ament.format(venv=venv)
    assert seen.get("PYTHONPATH", "") == python_path


def pins(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[\w+\])?==([^;\s]+)", path.read_text(), re.M):
        found.setdefault(name.lower().replace("_", "-"), set()).add(version)
    return found


def test_every_requirement_is_pinned() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    listed = re.findall(r"^dependencies = \[\n(.*?)^\]|^dev = \[(.*?)\]", pyproject, re.M | re.S)
    names = re.findall(r'"([\w-]+)[^"]*"', "".join(map("".join, listed)))
    assert {"torch", "mediapipe", "pytest"} <= set(names)
    assert set(names) <= set(pins(ROOT / "scripts" / "constraints.txt"))


@pytest.mark.parametrize("distro", ["jazzy", "kilted"])
def test_every_ros_package_is_pinned(distro: str) -> None:
    path = ROOT / "scripts" / f"ros_{distro}.txt"
    lines = [line for line in path.read_text().splitlines() if line.startswith("ros-")]
    assert len(lines) > 50
    assert sum(map(len, pins(path).values())) == len(lines)


def test_the_version_is_the_same_everywhere() -> None:
    package = ET.parse(ROOT / "package.xml").getroot()
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert package.findtext("version") == pifuhd_ros.__version__
    assert f'\nversion = "{pifuhd_ros.__version__}"\n' in pyproject
    assert package.findtext("license") == "Apache-2.0"


def test_the_wheel_brings_the_files_along(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="64", reason="setuptools 64 is not installed")
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "pifuhd_ros", source / "pifuhd_ros", ignore=shutil.ignore_patterns("__pycache__")
    )
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path), str(source)),
        ],
        check=True,
        timeout=120,
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
        entry_points = next(name for name in packed if name.endswith("entry_points.txt"))
        assert "pifuhd = pifuhd_ros.cli.main:main" in archive.read(entry_points).decode()
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pifuhd_ros").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - packed == set()
