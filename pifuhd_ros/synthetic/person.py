"""One person: body, clothes, hair and pose put together into drawable and solid surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.body.model import BodyModel, apply_transforms
from pifuhd_ros.synthetic.outfit import sample_outfit
from pifuhd_ros.synthetic.paint import Paint, sample_eye_paint, sample_skin_paint
from pifuhd_ros.synthetic.pose import sample_pose
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.sheet import vertex_normals
from pifuhd_ros.synthetic.split import HELD_OUT_SHARE, Split, pick_pairs
from pifuhd_ros.synthetic.wardrobe import Wardrobe
from pifuhd_ros.synthetic.worn import Worn

_SKIN_VERTICES = 13380


@dataclass(frozen=True)
class Part:
    """Faces that share a material."""

    faces: torch.Tensor
    """(F, 3) into the person's vertices."""
    face_uvs: torch.Tensor
    """(F, 3, 2)."""
    paint: Paint
    texture: int
    """Index into the wardrobe's textures, -1 for none."""
    normal_map: int
    is_card: bool
    """True for hair and brows: drawn where the texture is opaque, from both sides."""


@dataclass(frozen=True)
class Person:
    """A posed, clothed person: metres, y up, facing +z, the pelvis at the origin."""

    vertices: torch.Tensor
    """(V, 3)."""
    rest: torch.Tensor
    """(V, 3) the same vertices before posing, for patterns that stick to the cloth."""
    normals: torch.Tensor
    """(V, 3) smooth, outward."""
    parts: tuple[Part, ...]
    """What is drawn."""
    textures: torch.Tensor
    """(T, 4, S, S) uint8, the wardrobe's."""
    solid_faces: torch.Tensor
    """(F, 3) closed, outward-facing surfaces; their union is the solid."""
    hair_faces: torch.Tensor
    """(F, 3) open hair surfaces, part of the solid by their winding number."""
    stature_m: float
    """Standing height of the unclothed body."""


class _Assembly:
    """Collects vertices of several meshes that hang on one body."""

    def __init__(self, rest: torch.Tensor) -> None:
        self.rest = [rest]
        index = torch.arange(len(rest), device=rest.device)[:, None].expand(-1, 3)
        self.base = [index]
        self.weights = [torch.full_like(rest, 1 / 3)]
        self.count = len(rest)

    def add(self, dressed: Worn) -> int:
        """Appends its vertices; returns the index of the first."""
        first = self.count
        self.rest.append(dressed.vertices)
        self.base.append(dressed.base)
        self.weights.append(dressed.weights)
        self.count += len(dressed.vertices)
        return first


def _sample_betas(body: BodyModel, dice: Dice, split: Split) -> tuple[torch.Tensor, bool]:
    """A mix of two known people of one gender, and whether it is a woman."""
    woman = dice.chance(0.5)
    known = torch.nonzero((body.known_gender > 0.5) == woman)[:, 0]
    cut = int(len(known) * (1 - HELD_OUT_SHARE))
    known = known[:cut] if split == "train" else known[cut:]
    a, b = int(known[dice.integer(len(known))]), int(known[dice.integer(len(known))])
    t = dice.uniform(0, 1)
    return (1 - t) * body.known_betas[a] + t * body.known_betas[b], woman


def sample_person(wardrobe: Wardrobe, body: BodyModel, seed: int, split: Split = "train") -> Person:
    """Makes one person.

    Args:
        wardrobe: The packed assets.
        body: The parametric body.
        seed: The same seed gives the same person on the same kind of device.
        split: Which garments, hair, skins, poses and shapes may be used.
    """
    dice = Dice(seed)
    betas, woman = _sample_betas(body, dice, split)
    rest_batch, heads = body.rest(betas[None])
    rest = rest_batch[0]
    mean = body.mean[: body.vertex_count]
    assembly = _Assembly(rest)
    parts: list[Part] = []
    closed: list[torch.Tensor] = [wardrobe.body_faces]
    hair_faces = torch.zeros(0, 3, dtype=torch.int64, device=rest.device)
    hidden = torch.zeros(body.vertex_count, dtype=torch.bool, device=rest.device)

    for thing in sample_outfit(wardrobe, rest, mean, dice, split, woman):
        first = assembly.add(thing)
        hidden[thing.hidden] = True
        is_card = thing.kind in ("hair", "card")
        parts.append(
            Part(
                thing.faces + first,
                thing.face_uvs,
                thing.paint,
                thing.texture,
                thing.normal_map,
                is_card,
            )
        )
        if thing.kind == "hair":
            hair_faces = thing.faces + first
        elif not is_card:
            closed.append(torch.cat([thing.faces, thing.caps]) + first)

    is_skin = (body.faces < _SKIN_VERTICES).all(1)
    shown = is_skin & ~hidden[body.faces].all(1)
    is_eye = (body.faces >= _SKIN_VERTICES).all(1)
    skin = dice.choice(pick_pairs(wardrobe.skins, split))[1]
    eye = dice.choice(wardrobe.eyes)[1]
    parts += [
        Part(body.faces[shown], body.face_uvs[shown], sample_skin_paint(dice), skin, -1, False),
        Part(body.faces[is_eye], body.face_uvs[is_eye], sample_eye_paint(dice), eye, -1, False),
    ]

    rotations = sample_pose(wardrobe, body, dice, split)
    transforms, joints = body.bone_transforms(heads, rotations[None].to(rest.device))
    per_vertex = body.vertex_transforms(transforms)[0].flatten(1)
    base, weights = torch.cat(assembly.base), torch.cat(assembly.weights)
    rest_all = torch.cat(assembly.rest)
    mixed = sum(per_vertex[base[:, k]] * weights[:, k, None] for k in range(3))
    assert isinstance(mixed, torch.Tensor)
    vertices = apply_transforms(mixed.view(-1, 3, 4), rest_all)
    vertices = vertices - joints[0, body.bones.index("spine05")]
    drawn = torch.cat([part.faces for part in parts])
    # The hidden skin takes part, so that the visible skin beside it has the body's normals.
    normals = vertex_normals(vertices, torch.cat([drawn, body.faces[is_skin & ~shown]]))
    skin_rest = rest[:_SKIN_VERTICES]
    return Person(
        vertices=vertices,
        rest=rest_all,
        normals=normals,
        parts=tuple(parts),
        textures=wardrobe.textures,
        solid_faces=torch.cat(closed),
        hair_faces=hair_faces,
        stature_m=float(skin_rest[:, 1].max() - skin_rest[:, 1].min()),
    )
