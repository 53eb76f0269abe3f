"""Reader of .bvh poses and animations, of MakeHuman's own skeleton and of its older one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pifuhd_ros.types import AssetError

_Floats = npt.NDArray[np.float64]

_SHINS = ("lowerleg01.L", "LoLeg_L")
_Y_FROM_Z = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_OLD_NAMES = {
    "root": "Root", "pelvis.L": "Hips", "pelvis.R": "Hips",
    "spine05": "Spine1", "spine03": "Spine2", "spine01": "Spine3", "neck01": "Neck",
    "head": "Head",
} | {
    f"{new}.{side}": f"{old}_{side}"
    for side in "LR"
    for new, old in (
        ("clavicle", "Clavicle"), ("upperarm01", "UpArm"), ("lowerarm01", "LoArm"),
        ("wrist", "Hand"), ("upperleg01", "UpLeg"), ("lowerleg01", "LoLeg"), ("foot", "Foot"),
    )
}  # fmt: skip
"""Bones that stand for those of MakeHuman's older skeleton, whose rest pose is a T."""
_LIMBS = (("upperarm01", "lowerarm01", "wrist"), ("upperleg01", "lowerleg01", "foot"))


@dataclass(frozen=True)
class Skeleton:
    """The body's."""

    bones: list[str]
    parents: list[int]
    """-1 for the root; a parent stands before its children."""
    heads: _Floats
    """(bones, 3) at rest, y up, facing +z."""


@dataclass(frozen=True)
class _Motion:
    """What a file holds, y up."""

    names: list[str]
    parents: list[int]
    heads: _Floats
    """(J, 3)."""
    rotations: _Floats
    """(frames, J, 3, 3) relative to the parent."""


def _rotation(axis: str, degrees: float) -> _Floats:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i = "XYZ".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    matrix = np.eye(3)
    matrix[j, j] = matrix[k, k] = c
    matrix[j, k], matrix[k, j] = -s, s
    return matrix


def _read_motion(path: Path) -> _Motion:
    words = path.read_text().split()
    if "MOTION" not in words:
        raise AssetError(f"{path} has no MOTION section; is it a complete .bvh?")
    names: list[str] = []
    parents: list[int] = []
    heads: list[_Floats] = []
    channels: list[list[str]] = []
    open_joints: list[int] = []
    motion = words.index("MOTION")
    joint = -1
    z_up = False
    for i, word in enumerate(words[:motion]):
        if word in ("ROOT", "JOINT"):
            joint = len(names)
            names.append(words[i + 1])
            parents.append(open_joints[-1] if open_joints else -1)
        elif word == "End":
            joint = -1
        elif word == "{":
            open_joints.append(joint)
        elif word == "}":
            open_joints.pop()
        elif word == "OFFSET" and joint >= 0:
            offset = np.array([float(x) for x in words[i + 1 : i + 4]])
            heads.append(offset + (heads[parents[joint]] if parents[joint] >= 0 else 0))
            if names[joint] in _SHINS:
                z_up = abs(offset[2]) > abs(offset[1])
        elif word == "CHANNELS":
            channels.append(words[i + 2 : i + 2 + int(words[i + 1])])
    frames = int(words[motion + 2])
    values = np.array([float(x) for x in words[motion + 6 :]]).reshape(frames, -1)
    to_y_up = _Y_FROM_Z if z_up else np.eye(3)
    rotations = np.tile(np.eye(3), (frames, len(names), 1, 1))
    for frame in range(frames):
        column = 0
        for joint, kinds in enumerate(channels):
            for kind in kinds:
                if kind.endswith("rotation"):
                    turn = _rotation(kind[0], values[frame, column])
                    rotations[frame, joint] = rotations[frame, joint] @ turn
                column += 1
    return _Motion(names, parents, np.stack(heads) @ to_y_up.T, to_y_up @ rotations @ to_y_up.T)


def _shortest_turn(a: _Floats, b: _Floats) -> _Floats:
    """The rotation that takes direction a to direction b along the shortest arc."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    x, y, z = np.cross(a, b)
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn: _Floats = np.eye(3) + K + K @ K / (1 + a @ b)
    return turn


def _old_rest(motion: _Motion, skeleton: Skeleton) -> dict[str, _Floats]:
    """For each limb's bone the rotation that brings our rest pose to that of the old skeleton."""
    ours = dict(zip(skeleton.bones, skeleton.heads, strict=True))
    theirs = dict(zip(motion.names, motion.heads, strict=True))
    result: dict[str, _Floats] = {}
    for side in "LR":
        for chain in _LIMBS:
            turn = np.eye(3)
            names = [f"{bone}.{side}" for bone in chain]
            for bone, end in pairwise(names):
                direction = theirs[_OLD_NAMES[end]] - theirs[_OLD_NAMES[bone]]
                turn = _shortest_turn(turn @ (ours[end] - ours[bone]), direction) @ turn
                result[bone] = turn
            if chain[-1] == "wrist":
                result[names[-1]] = turn
    return result


def _retarget(motion: _Motion, skeleton: Skeleton) -> _Floats:
    """The old skeleton's motion on ours (frames, bones, 3, 3)."""
    rest = _old_rest(motion, skeleton)
    row = {name: i for i, name in enumerate(motion.names)}
    turned = motion.rotations.copy()
    for joint, parent in enumerate(motion.parents):
        if parent >= 0:
            turned[:, joint] = turned[:, parent] @ turned[:, joint]
    frames = len(turned)
    ours = np.tile(np.eye(3), (frames, len(skeleton.bones), 1, 1))
    result = ours.copy()
    for bone, (name, parent) in enumerate(zip(skeleton.bones, skeleton.parents, strict=True)):
        above = ours[:, parent] if parent >= 0 else np.tile(np.eye(3), (frames, 1, 1))
        if name in _OLD_NAMES:
            ours[:, bone] = turned[:, row[_OLD_NAMES[name]]] @ rest.get(name, np.eye(3))
        else:
            ours[:, bone] = above
        result[:, bone] = above.transpose(0, 2, 1) @ ours[:, bone]
    return result


def read_pose(path: Path, skeleton: Skeleton) -> _Floats:
    """Reads a .bvh's joint rotations.

    Args:
        path: The file. MakeHuman writes these z-up; whichever it is shows in the shin's offset.
        skeleton: Whose bones are wanted; one that the file lacks stays unrotated.

    Returns:
        (frames, bones, 3, 3) rotations relative to the parent, in the rest pose's axes, y up.

    Raises:
        AssetError: The file is cut off, or has neither the body's bones nor those of MakeHuman's
            older skeleton.
    """
    motion = _read_motion(path)
    row = {name: i for i, name in enumerate(motion.names)}
    if set(_OLD_NAMES.values()) <= set(row):
        return _retarget(motion, skeleton)
    if not set(skeleton.bones) & set(row):
        raise AssetError(f"{path} moves no bone of MakeHuman's skeletons, but {motion.names[:3]}")
    result = np.tile(np.eye(3), (len(motion.rotations), len(skeleton.bones), 1, 1))
    for bone, name in enumerate(skeleton.bones):
        if name in row:
            result[:, bone] = motion.rotations[:, row[name]]
    return result
