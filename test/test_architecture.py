"""The rooms of the package and the doors between them, read from the source by ast.

Imports go one way; ROS stays in ``ros/``; what runs on a bare GPU machine imports only torch,
numpy, safetensors and the standard library; heavy libraries stay in the files that need them.
Imports inside functions and under TYPE_CHECKING count like all others.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pifuhd_ros"
MAX_LINES = 420

BARE = {"torch", "numpy", "safetensors"}

_BELOW_FIELDS = {"types", "geometry", "networks", "body"}
_BELOW_EVALUATION = _BELOW_FIELDS | {"fields", "stages", "reconstructors"}

ROOMS: dict[str, set[str]] = {
    "types": set(),
    "geometry": {"types"},
    "networks": {"types", "geometry"},
    "body": {"types", "geometry"},
    "fields": _BELOW_FIELDS,
    "stages": _BELOW_FIELDS,
    "assets": {"types"},
    "synthetic": {"types", "geometry", "body"},
    "reconstructors": _BELOW_FIELDS | {"fields", "stages"},
    "training": _BELOW_FIELDS | {"fields", "synthetic"},
    "evaluation": _BELOW_EVALUATION | {"synthetic"},
    "cli": _BELOW_EVALUATION | {"assets", "synthetic", "training", "evaluation"},
    "ros": _BELOW_EVALUATION,
    "": {"types", "reconstructors"},
}
"""Which rooms a room may import from; "" is the package's own __init__."""

LIBRARIES: dict[str, set[str]] = {
    "types": BARE,
    "geometry": BARE,
    "networks": BARE,
    "body": BARE,
    "fields": BARE,
    "assets": BARE | {"scipy"},
    "synthetic": BARE,
    "training": BARE | {"lightning"},
    "stages": BARE | {"scipy"},
    "reconstructors": BARE,
    "evaluation": BARE | {"scipy", "tqdm"},
    "cli": BARE | {"tqdm"},
    "ros": BARE | {"scipy"},
    "": set(),
}
"""Which libraries every file of a room may import."""

HEAVY: dict[str, set[str]] = {
    "anny": {"body/bake.py"},
    "cv2": {
        "ros/images.py",
        "stages/detection.py",
        "stages/face_mesh.py",
        "stages/selection.py",
    },
    "mediapipe": {"stages/blazepose.py", "stages/face_mesh.py"},
    "open3d": set(),
    "PIL": {
        "assets/pack.py",
        "assets/scan_file.py",
        "evaluation/contact_sheet.py",
        "stages/cropping.py",
        "stages/image_io.py",
        "stages/turntable.py",
    },
    "trimesh": {"assets/scan_file.py", "stages/export.py"},
    "triton": {"networks/point_kernel.py"},
}
"""Libraries that only these files may import, besides the LIBRARIES of their room."""

ROS_ROOTS = {
    "action_msgs",
    "ament_index_python",
    "builtin_interfaces",
    "cv_bridge",
    "launch",
    "launch_ros",
    "launch_testing",
    "message_filters",
    "rcl_interfaces",
    "rclpy",
    "ros2cli",
    "rosidl_parser",
    "rosidl_runtime_py",
    "std_srvs",
    "tf2_ros",
    "unique_identifier_msgs",
}
ROS_SUFFIXES = ("_msgs", "_interfaces", "_srvs")
GENERATED = {"msg", "srv", "action"}
"""Modules of pifuhd_ros that rosidl generates."""


def is_ros(module: str) -> bool:
    """Whether a dotted module name belongs to ROS or to our generated messages."""
    parts = module.split(".")
    if parts[0] == "pifuhd_ros":
        return len(parts) > 1 and parts[1] in GENERATED
    return parts[0] in ROS_ROOTS or parts[0].endswith(ROS_SUFFIXES)


def imported_modules(source: str, path: str) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of everything that a file imports.

    ``from a import b`` yields a.b: b may be a module, and a room's name is enough for the rules.
    """
    package = ("pifuhd_ros/" + path).removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package[: len(package) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            argument = node.args[0]
            if name in {"import_module", "__import__"} and isinstance(argument, ast.Constant):
                yield node.lineno, str(argument.value)


def violations(source: str, path: str) -> list[str]:
    """What a file breaks, as sentences. ``path`` is relative to the package, with slashes."""
    room = path.split("/")[0] if "/" in path else ""
    room = "cli" if path == "__main__.py" else room
    found: list[str] = []
    if Path(path).name in {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}:
        found.append(f"{path}: a file is named by its one concept, not {Path(path).name}")
    lines = source.count("\n")
    if lines > MAX_LINES:
        found.append(f"{path}: {lines} lines, more than {MAX_LINES}: it holds two concepts")
    if room not in ROOMS:
        return [*found, f"{path}: unknown room {room!r}: name it in ROOMS of the architecture test"]
    for line, module in imported_modules(source, path):
        reason = _forbidden(room, path, module)
        if reason:
            found.append(f"{path}:{line}: imports {module}: {reason}")
    return found


def _forbidden(room: str, path: str, module: str) -> str | None:
    parts = module.split(".")
    if is_ros(module):
        return None if room == "ros" else "only ros/ imports ROS"
    if parts[0] == "pifuhd_ros":
        target = parts[1] if len(parts) > 1 else ""
        if target not in ROOMS or target == room:  # a name of the package's own __init__
            return None
        return None if target in ROOMS[room] else f"{room or '__init__'} may not know {target}"
    if parts[0] in sys.stdlib_module_names or parts[0] in LIBRARIES[room]:
        return None
    if parts[0] in HEAVY:
        return None if path in HEAVY[parts[0]] else f"only HEAVY[{parts[0]!r}] of the test may"
    return f"{room or '__init__'} may not need {parts[0]}"


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_file_keeps_the_rules(file: Path) -> None:
    found = violations(file.read_text(encoding="utf-8"), file.relative_to(PACKAGE).as_posix())
    assert not found, "\n".join(found)


def test_heavy_libraries_are_where_the_table_says() -> None:
    """No entry outlives the import that it allows."""
    for library, homes in HEAVY.items():
        for home in homes:
            source = (PACKAGE / home).read_text(encoding="utf-8")
            modules = [module.split(".")[0] for _, module in imported_modules(source, home)]
            assert library in modules, f"{home} does not import {library}: strike it from HEAVY"


def test_every_room_of_the_design_exists() -> None:
    rooms = {folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists()}
    assert rooms == set(ROOMS) - {""}


def test_rooms_have_no_cycle() -> None:
    done: set[str] = set()
    while True:
        ready = {room for room, below in ROOMS.items() if room not in done and below <= done}
        if not ready:
            break
        done |= ready
    assert done == set(ROOMS)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("types/a.py", "from pifuhd_ros.geometry.grid import make_grid\n"),
        ("geometry/a.py", "import pifuhd_ros.networks.pifuhd\n"),
        ("stages/a.py", "from pifuhd_ros.reconstructors import table\n"),
        ("stages/a.py", "from pifuhd_ros.fields.pifuhd import encode_pifuhd\n"),
        ("stages/a.py", "from ..reconstructors import table\n"),
        ("stages/a.py", "from .. import evaluation\n"),
        ("reconstructors/a.py", "def f():\n    from pifuhd_ros.synthetic import people\n"),
        ("evaluation/a.py", "from pifuhd_ros import cli\n"),
        ("cli/a.py", "from pifuhd_ros.ros.images import frame_from_ros\n"),
        ("cli/a.py", "import rclpy.node\n"),
        ("types/a.py", "from sensor_msgs.msg import Image\n"),
        ("stages/a.py", "from pifuhd_ros.msg import PersonMesh\n"),
        ("stages/a.py", "import importlib\nimportlib.import_module('cv_bridge')\n"),
        ("cli/a.py", "if False:\n    import launch\n"),
        ("networks/a.py", "import scipy.ndimage\n"),
        ("synthetic/a.py", "from PIL import Image\n"),
        ("fields/a.py", "import torchvision\n"),
        ("networks/a.py", "import lightning\n"),
        ("networks/a.py", "import triton\n"),
        ("body/model.py", "import anny\n"),
        ("reconstructors/a.py", "import open3d as o3d\n"),
        ("ros/a.py", "import mediapipe\n"),
        ("stages/surface.py", "import trimesh\n"),
        ("stages/utils.py", ""),
        ("stages/a.py", "x = 1\n" * (MAX_LINES + 1)),
        ("attic/a.py", ""),
    ],
)
def test_checker_catches(path: str, source: str) -> None:
    assert violations(source, path)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("types/a.py", "import numpy as np\nfrom dataclasses import dataclass\nimport torch\n"),
        ("stages/blazepose.py", "import mediapipe\nfrom pifuhd_ros.types import Frame\n"),
        ("stages/a.py", "from . import b\nfrom .b import c\nfrom ..types import Mesh\n"),
        ("body/bake.py", "def f():\n    import anny\n"),
        ("training/a.py", "import lightning\nfrom pifuhd_ros.synthetic import people\n"),
        ("ros/a.py", "import rclpy\nfrom pifuhd_ros.msg import PersonMesh\nimport cv_bridge\n"),
        ("cli/a.py", "from pifuhd_ros import __version__\nfrom pifuhd_ros.training import run\n"),
        ("stages/a.py", "x = 1\n" * MAX_LINES),
    ],
)
def test_checker_lets_pass(path: str, source: str) -> None:
    assert violations(source, path) == []
