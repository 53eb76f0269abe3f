"""Named places of the body, found once on the mean body by the bake."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SKIN_VERTICES = 13380
"""The first vertices are the skin; eyes, tongue and clothes helpers follow."""

_JOINT_BONES = {
    "eye": "eye",
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
    "hand": "finger3-1",
}
_ORDER = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_EXTRA = ("hand", "toe")

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]


def strongest_bones(skin_bones: _Ints, bones: list[str]) -> list[str]:
    """Name of the bone that moves each vertex most; ``skin_bones`` (V, 6) are sorted so."""
    return [bones[i] for i in skin_bones[:, 0]]


def head_skin(bones: list[str], parents: list[int], skin_bones: _Ints) -> _Ints:
    """Skin vertices that hang on the head or on a bone of the face."""
    head = bones.index("head")
    in_head = [False] * len(bones)
    for bone, parent in enumerate(parents):
        in_head[bone] = bone == head or (parent >= 0 and in_head[parent])
    return np.nonzero(np.array(in_head)[skin_bones[:SKIN_VERTICES, 0]])[0]


def find_joints(
    vertices: _Floats, head: _Ints, strongest: list[str], bones: list[str]
) -> tuple[list[str], _Ints]:
    """Joints for supervision: COCO's 17, head_top, hands and toes.

    Args:
        vertices: (V, 3) of the mean body.
        head: Vertices of the head.
        strongest: Bone of each vertex.
        bones: All bones.

    Returns:
        Names and rows into vertices, then bone heads.
    """
    points = vertices[head]
    rows = {"head_top": int(head[points[:, 1].argmax()])}
    rows["nose"] = int(head[points[:, 2].argmax()])
    foot = np.array([i for i in range(SKIN_VERTICES) if strongest[i].startswith(("foot", "toe"))])
    for prefix, side, sign in (("left_", "L", 1), ("right_", "R", -1)):
        rows[prefix + "ear"] = int(head[(sign * points[:, 0]).argmax()])
        mine = foot[sign * vertices[foot, 0] > 0]
        rows[prefix + "toe"] = int(mine[vertices[mine, 2].argmax()])
        for joint, bone in _JOINT_BONES.items():
            rows[prefix + joint] = len(vertices) + bones.index(f"{bone}.{side}")
    sided = [[f"left_{n}", f"right_{n}"] for n in (*_ORDER, *_EXTRA)]
    pairs = [name for pair in sided for name in pair]
    coco = 2 * len(_ORDER)
    names = ["nose", *pairs[:coco], "head_top", *pairs[coco:]]
    return names, np.array([rows[name] for name in names])


def find_face(vertices: _Floats, head: _Ints, ear: int, eye_y: float) -> _Ints:
    """Skin vertices of the face: before the ears, up to the hairline.

    Args:
        vertices: (V, 3) of the mean body.
        head: Vertices of the head.
        ear: Vertex of an ear.
        eye_y: Height of the eyes [m]; the hairline lies 7 cm above them.
    """
    _, y, z = vertices[head].T
    is_face = (z > vertices[ear, 2] + 0.01) & (y < eye_y + 0.07)
    return np.asarray(head[is_face])
