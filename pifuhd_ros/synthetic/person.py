"""People put together: body, clothes, hair and pose, drawn from a seed each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch

from pifuhd_ros.body.model import BodyModel, apply_transforms
from pifuhd_ros.synthetic.expression import sample_expression
from pifuhd_ros.synthetic.outfit import sample_outfit
from pifuhd_ros.synthetic.paint import (
    Paint,
    sample_eye_paint,
    sample_skin_paint,
    stack_paints,
)
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.pose import sample_pose
from pifuhd_ros.synthetic.pose_rig import PoseRig, make_pose_rig
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.sheet import vertex_normals
from pifuhd_ros.synthetic.split import HELD_OUT_SHARE, Split, pick_pairs
from pifuhd_ros.synthetic.wardrobe import Wardrobe
from pifuhd_ros.synthetic.worn import Worn, shown_faces

_SKIN_VERTICES = 13380
"""The first vertices of the body are skin, the next the eyes and the tongue."""
_BEYOND = {"train": 0.25, "held_out": 0.0}
"""How far beyond two known shapes their mixtures go, as a share of the way between them."""


@dataclass(frozen=True)
class _Dressed:
    """One person in the rest pose, and the pose to take."""

    vertices: torch.Tensor
    """(V, 3) body, then clothes."""
    base: torch.Tensor
    """(V, 3) body vertices that carry each vertex."""
    weights: torch.Tensor
    """(V, 3)."""
    faces: torch.Tensor
    face_uvs: torch.Tensor
    face_part: torch.Tensor
    paints: tuple[Paint, ...]
    textures: tuple[int, ...]
    normal_maps: tuple[int, ...]
    is_card: tuple[bool, ...]
    closed_faces: torch.Tensor
    open_faces: torch.Tensor
    hidden_faces: torch.Tensor
    """(H, 3) skin under clothes, which shapes the normals beside it."""
    heads: torch.Tensor
    """(bones, 3)."""
    rotations: torch.Tensor
    """(bones, 3, 3)."""
    stature_m: float


def _sample_betas(body: BodyModel, dice: Dice, split: Split) -> tuple[torch.Tensor, bool]:
    """A mix of two known people of one gender, and whether it is a woman."""
    woman = dice.chance(0.5)
    known = torch.nonzero((body.known_gender > 0.5) == woman)[:, 0]
    cut = int(len(known) * (1 - HELD_OUT_SHARE))
    known = known[:cut] if split == "train" else known[cut:]
    a, b = int(known[dice.integer(len(known))]), int(known[dice.integer(len(known))])
    t = dice.uniform(-_BEYOND[split], 1 + _BEYOND[split])
    return (1 - t) * body.known_betas[a] + t * body.known_betas[b], woman


def _dress(wardrobe: Wardrobe, body: BodyModel, rig: PoseRig, seed: int, split: Split) -> _Dressed:
    dice = Dice(seed)
    betas, woman = _sample_betas(body, dice, split)
    rests, heads = body.rest(betas[None], sample_expression(body, dice)[None])
    rest = rests[0]
    worn = sample_outfit(wardrobe, rest, body.mean[: body.vertex_count], dice, split, woman)
    hidden = torch.zeros(body.vertex_count, dtype=torch.bool, device=rest.device)
    for one in worn:
        hidden[one.hidden] = True
    is_skin = (body.faces < _SKIN_VERTICES).all(1)
    covered = is_skin & hidden[body.faces].all(1)
    is_eye = (body.faces >= _SKIN_VERTICES).all(1)
    skin = dice.choice(pick_pairs(wardrobe.skins, split))[1]
    eye = dice.choice(wardrobe.eyes)[1]
    first = list(accumulate((len(one.vertices) for one in worn), initial=len(rest)))

    def stacked(name: str, *of_body: torch.Tensor) -> torch.Tensor:
        return torch.cat([*of_body, *(getattr(one, name) for one in worn)])

    def shifted(faces: Callable[[Worn], torch.Tensor], *kinds: str) -> list[torch.Tensor]:
        pairs = zip(worn, first, strict=False)
        return [faces(one) + start for one, start in pairs if one.kind in kinds]

    shown = [body.faces[is_skin & ~covered], body.faces[is_eye]]
    shown += [one.faces + start for one, start in zip(worn, first, strict=False)]
    own = torch.arange(len(rest), device=rest.device)[:, None].expand(-1, 3)
    parts = torch.tensor([len(faces) for faces in shown], device=rest.device)
    empty = body.faces[:0]
    skin_rest = rest[:_SKIN_VERTICES, 1]
    return _Dressed(
        vertices=stacked("vertices", rest),
        base=stacked("base", own),
        weights=stacked("weights", torch.full_like(rest, 1 / 3)),
        faces=torch.cat(shown),
        face_uvs=stacked("face_uvs", body.face_uvs[is_skin & ~covered], body.face_uvs[is_eye]),
        face_part=torch.repeat_interleave(torch.arange(len(shown), device=rest.device), parts),
        paints=(sample_skin_paint(dice), sample_eye_paint(dice), *(one.paint for one in worn)),
        textures=(skin, eye, *(one.texture for one in worn)),
        normal_maps=(-1, -1, *(one.normal_map for one in worn)),
        is_card=(False, False, *(one.kind in ("hair", "card") for one in worn)),
        closed_faces=torch.cat(
            [
                wardrobe.body_faces,
                *shifted(lambda one: torch.cat([one.faces, one.caps]), "cloth", "shoes", "hard"),
            ]
        ),
        open_faces=torch.cat(
            [empty, *shifted(lambda one: shown_faces(one, wardrobe.textures), "hair")]
        ),
        hidden_faces=body.faces[covered],
        heads=heads[0],
        rotations=sample_pose(wardrobe, rig, dice, split, rest, heads[0]).to(rest.device),
        stature_m=float(skin_rest.max() - skin_rest.min()),
    )


def sample_people(
    wardrobe: Wardrobe,
    body: BodyModel,
    seeds: Sequence[int],
    split: Split = "train",
    rig: PoseRig | None = None,
) -> People:
    """Makes people.

    Args:
        wardrobe: The packed assets.
        body: The parametric body.
        seeds: One a person. The same seed gives the same person on the same kind of device,
            whoever else is in the batch.
        split: Which garments, hair, skins, poses and shapes may be used.
        rig: Of the body, on the CPU; made anew where it is None.
    """
    rig = rig or make_pose_rig(body.to("cpu"))
    dressed = [_dress(wardrobe, body, rig, seed, split) for seed in seeds]
    device = body.mean.device
    first = list(accumulate((len(one.vertices) for one in dressed), initial=0))

    def shifted(name: str) -> torch.Tensor:
        return torch.cat(
            [getattr(one, name) + start for one, start in zip(dressed, first, strict=False)]
        )

    def every(name: str) -> torch.Tensor:
        return torch.cat([getattr(one, name) for one in dressed])

    heads = torch.stack([one.heads for one in dressed])
    rotations = torch.stack([one.rotations for one in dressed])
    transforms, joints = body.bone_transforms(heads, rotations)
    per_vertex = body.vertex_transforms(transforms).flatten(2)
    matrices = []
    for one, own in zip(dressed, per_vertex, strict=True):
        mixed = [own[one.base[:, k]] * one.weights[:, k, None] for k in range(3)]
        matrices.append(mixed[0] + mixed[1] + mixed[2])
    rest = every("vertices")
    vertices = apply_transforms(torch.cat(matrices).view(-1, 3, 4), rest)
    pelvis = joints[:, body.bones.index("spine05")]
    counts = torch.tensor(first, device=device).diff()
    vertices = vertices - pelvis.repeat_interleave(counts, 0)
    faces = shifted("faces")
    parts = list(accumulate((len(one.paints) for one in dressed), initial=0))
    face_part = [one.face_part + start for one, start in zip(dressed, parts, strict=False)]

    def listed(name: str) -> list[int]:
        return [value for one in dressed for value in getattr(one, name)]

    is_card = listed("is_card")
    skin = body.faces[(body.faces < body.vertex_count).all(1)]
    return People(
        vertices=vertices,
        rest=rest,
        normals=vertex_normals(vertices, torch.cat([faces, shifted("hidden_faces")])),
        first_vertex=tuple(first),
        faces=faces,
        face_uvs=every("face_uvs"),
        face_part=torch.cat(face_part),
        paints=stack_paints(
            [paint for one in dressed for paint in one.paints], listed("textures"), device
        ),
        normal_map=torch.tensor(listed("normal_maps"), device=device),
        is_card=torch.tensor(is_card, device=device),
        textures=wardrobe.textures,
        closed_faces=shifted("closed_faces"),
        open_faces=shifted("open_faces"),
        body_faces=torch.cat([skin + start for start in first[:-1]]),
        joints=torch.stack(
            [
                body.body_joints(vertices[None, start : start + body.vertex_count], placed[None])[0]
                for start, placed in zip(first, joints - pelvis[:, None], strict=False)
            ]
        ),
        stature_m=torch.tensor([one.stature_m for one in dressed], device=device),
    )
