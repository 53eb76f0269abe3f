"""Poses and animations from .bvh files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pifuhd_ros.assets.bvh import Skeleton, read_pose
from pifuhd_ros.body.model import load_body
from pifuhd_ros.types import AssetError

_ROTATIONS = "CHANNELS 3 Xrotation Yrotation Zrotation"
_SIDE = [
    ("Clavicle", "Spine3", (0.3, -0.6, 3)),
    ("UpArm", "Clavicle", (1.5, 0.6, 0)),
    ("LoArm", "UpArm", (2, 0, 0)),
    ("Hand", "LoArm", (2.4, 0, 0)),
    ("UpLeg", "Hips", (1, 0, -1)),
    ("LoLeg", "UpLeg", (0, 0, -4)),
    ("Foot", "LoLeg", (0, 0, -4)),
]


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    body = load_body()
    heads = body.mean[body.vertex_count :].numpy().astype(np.float64)
    return Skeleton(list(body.bones), list(body.parents), heads)


def _old_skeleton_file(path: Path, turned: str, degrees_z_up: tuple[float, float, float]) -> Path:
    """A pose of MakeHuman's older skeleton, z up, with one joint turned from the T pose."""
    joints = [("Root", "", (0, 1, 9)), ("Hips", "Root", (0, 0, 0)), ("Spine1", "Root", (0, 0, 0.4))]
    joints += [("Spine2", "Spine1", (0, 0, 1)), ("Spine3", "Spine2", (0, 0, 1))]
    joints += [("Neck", "Spine3", (0, 0, 2)), ("Head", "Neck", (0, 0, 1))]
    for side, sign in (("L", 1), ("R", -1)):
        for name, parent, (x, y, z) in _SIDE:
            above = parent if parent in ("Spine3", "Hips") else f"{parent}_{side}"
            joints.append((f"{name}_{side}", above, (sign * x, y, z)))
    values: list[float] = []

    def text(name: str, offset: tuple[float, float, float]) -> str:
        values.extend(degrees_z_up if name == turned else (0, 0, 0))
        children = "".join(text(n, o) for n, parent, o in joints if parent == name)
        end = "" if children else "End Site\n{\nOFFSET 0 0 1\n}\n"
        kind = "ROOT" if name == "Root" else "JOINT"
        place = "OFFSET " + " ".join(map(str, offset))
        return f"{kind} {name}\n{{\n{place}\n{_ROTATIONS}\n{children}{end}}}\n"

    hierarchy = text(*joints[0][::2])
    motion = " ".join(map(str, values))
    path.write_text(f"HIERARCHY\n{hierarchy}MOTION\nFrames: 1\nFrame Time: 0.04\n{motion}\n")
    return path


def _directions(rotations: np.ndarray, skeleton: Skeleton, start: str, end: str) -> np.ndarray:
    """Unit vector between two heads after posing."""
    turned = [np.eye(3)] * len(skeleton.bones)
    placed = skeleton.heads.copy()
    for bone, parent in enumerate(skeleton.parents):
        above = turned[parent] if parent >= 0 else np.eye(3)
        turned[bone] = above @ rotations[bone]
        if parent >= 0:
            offset = skeleton.heads[bone] - skeleton.heads[parent]
            placed[bone] = placed[parent] + above @ offset
    line = placed[skeleton.bones.index(end)] - placed[skeleton.bones.index(start)]
    direction: np.ndarray = line / np.linalg.norm(line)
    return direction


def test_pose_of_a_z_up_file_turns_about_the_y_up_axis(tmp_path: Path) -> None:
    path = tmp_path / "turn.bvh"
    path.write_text(
        "HIERARCHY\nROOT root\n{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition "
        "Xrotation Yrotation Zrotation\nJOINT lowerleg01.L\n{\nOFFSET 0 0 -3\n"
        "CHANNELS 3 Xrotation Yrotation Zrotation\nEnd Site\n{\nOFFSET 0 0 -1\n}\n}\n}\n"
        "MOTION\nFrames: 1\nFrame Time: 0.04\n0 0 0 0 0 90 0 0 0\n"
    )
    bones = ["root", "lowerleg01.L", "head"]
    rotations = read_pose(path, Skeleton(bones, [-1, 0, 0], np.zeros((3, 3))))
    # A quarter turn about the file's z (up) is one about our y: x goes to -z.
    assert (rotations[0, 0] @ [1, 0, 0]).tolist() == pytest.approx([0, 0, -1], abs=1e-9)
    assert np.allclose(rotations[0, 1:], np.eye(3))


def test_older_skeleton_at_rest_is_a_t_pose(tmp_path: Path, skeleton: Skeleton) -> None:
    rotations = read_pose(_old_skeleton_file(tmp_path / "t.bvh", "", (0, 0, 0)), skeleton)[0]
    for start, end in (("upperarm01.L", "lowerarm01.L"), ("lowerarm01.L", "wrist.L")):
        assert _directions(rotations, skeleton, start, end) == pytest.approx([1, 0, 0], abs=1e-6)
    assert _directions(rotations, skeleton, "lowerleg01.R", "foot.R") == pytest.approx(
        [0, -1, 0], abs=1e-6
    )


def test_older_skeleton_bends_the_same_elbow(tmp_path: Path, skeleton: Skeleton) -> None:
    # The file's front is -y: a turn by -90 degrees about z takes its left forearm there.
    path = _old_skeleton_file(tmp_path / "bent.bvh", "LoArm_L", (0, 0, -90))
    rotations = read_pose(path, skeleton)[0]
    upper = _directions(rotations, skeleton, "upperarm01.L", "lowerarm01.L")
    lower = _directions(rotations, skeleton, "lowerarm01.L", "wrist.L")
    assert upper == pytest.approx([1, 0, 0], abs=1e-6)
    assert lower == pytest.approx([0, 0, 1], abs=1e-6)


def test_foreign_skeleton_is_an_error(tmp_path: Path, skeleton: Skeleton) -> None:
    path = tmp_path / "dog.bvh"
    path.write_text(
        f"HIERARCHY\nROOT Tail\n{{\nOFFSET 0 0 0\n{_ROTATIONS}\n"
        "End Site\n{\nOFFSET 0 0 1\n}\n}\nMOTION\nFrames: 1\nFrame Time: 0.04\n0 0 0\n"
    )
    with pytest.raises(AssetError, match=r"dog\.bvh"):
        read_pose(path, skeleton)


def test_file_without_motion_is_an_error(tmp_path: Path, skeleton: Skeleton) -> None:
    path = tmp_path / "cut.bvh"
    path.write_text("HIERARCHY\nROOT root\n")
    with pytest.raises(AssetError, match="MOTION"):
        read_pose(path, skeleton)


def test_animations_of_the_assets_move(assets_folder: Path, skeleton: Skeleton) -> None:
    walk = read_pose(assets_folder / "animations/walks/walk1.bvh", skeleton)
    thigh = np.stack(
        [_directions(frame, skeleton, "upperleg01.L", "lowerleg01.L") for frame in walk]
    )
    assert len(walk) == 14
    # A step takes the thigh to the front and to the back, and always down.
    assert thigh[:, 2].max() > 0.2
    assert thigh[:, 2].min() < -0.1
    assert thigh[:, 1].max() < -0.7
