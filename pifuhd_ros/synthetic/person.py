"""One person: body, clothes, hair and pose put together into drawable and solid surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pifuhd_ros.body.model import BodyModel, apply_transforms
from pifuhd_ros.synthetic.clothing import Dressed, fit_garment, procedural_outfit, vertex_normals
from pifuhd_ros.synthetic.paint import (
    Paint,
    sample_cloth_paint,
    sample_hair_paint,
    sample_skin_paint,
)
from pifuhd_ros.synthetic.pose import sample_pose
from pifuhd_ros.synthetic.pose_rig import make_pose_rig
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.split import HELD_OUT_SHARE, Split, pick_named, pick_pairs
from pifuhd_ros.synthetic.wardrobe import Garment, Wardrobe

_SKIN_VERTICES = 13380
_EYE_TINT = Paint((1.0, 1.0, 1.0), 1.0)


@dataclass(frozen=True)
class Part:
    """Faces that share a material."""

    faces: torch.Tensor
    """(F, 3) into the person's vertices."""
    face_uvs: torch.Tensor
    """(F, 3, 2)."""
    paint: Paint
    texture: torch.Tensor | None
    normal_map: torch.Tensor | None
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

    def add(self, dressed: Dressed) -> int:
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


def _fitting(garments: list[Garment], woman: bool) -> list[Garment]:
    """Garments cut for this gender; all of them where there is none."""
    wrong = "male_" if woman else "female_"
    return [g for g in garments if not g.name.startswith(wrong)] or garments


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

    def wear(dressed: Dressed, source: Garment | None, paint: Paint) -> None:
        first = assembly.add(dressed)
        hidden[dressed.hidden] = True
        uvs = (
            source.face_uvs
            if source is not None
            else torch.zeros(len(dressed.faces), 3, 2, device=rest.device)
        )
        texture = source.texture if source is not None else None
        normal_map = source.normal_map if source is not None else None
        parts.append(Part(dressed.faces + first, uvs, paint, texture, normal_map, False))
        closed.append(torch.cat([dressed.faces, dressed.caps]) + first)

    if dice.chance(0.5 if split == "train" else 0.65):
        outfit = dice.choice(_fitting(pick_named(wardrobe.outfits, split), woman))
        loosen = dice.uniform(0.0, 0.015)
        paint = sample_cloth_paint(dice, outfit.texture is not None)
        wear(fit_garment(outfit, rest, dice, loosen), outfit, paint)
    else:
        one_cloth = split == "held_out"
        paint = sample_cloth_paint(dice, False)
        for dressed in procedural_outfit(wardrobe, rest, mean, dice, split):
            wear(dressed, None, paint)
            paint = paint if one_cloth else sample_cloth_paint(dice, False)
    if dice.chance(0.85):
        shoes = dice.choice(pick_named(wardrobe.shoes, split))
        wear(fit_garment(shoes, rest, dice, 0.0), shoes, sample_cloth_paint(dice, True))
    if wardrobe.hats and dice.chance(0.06):
        hat = dice.choice(wardrobe.hats)
        wear(fit_garment(hat, rest, dice, 0.0), hat, sample_cloth_paint(dice, True))
    hair_paint = sample_hair_paint(dice)
    cards = [dice.choice(wardrobe.eyebrows)]
    if dice.chance(0.94):
        cards.append(dice.choice(pick_named(wardrobe.hair, split)))
    for i, card in enumerate(cards):
        dressed = fit_garment(card, rest, dice, 0.0)
        first = assembly.add(dressed)
        parts.append(
            Part(dressed.faces + first, card.face_uvs, hair_paint, card.texture, None, True)
        )
        if i == 1:
            hair_faces = dressed.faces + first

    is_skin = (body.faces < _SKIN_VERTICES).all(1)
    shown = is_skin & ~hidden[body.faces].all(1)
    is_eye = (body.faces >= _SKIN_VERTICES).all(1)
    skin = dice.choice(pick_pairs(wardrobe.skins, split))[1]
    eye = dice.choice(wardrobe.eyes)[1]
    parts += [
        Part(body.faces[shown], body.face_uvs[shown], sample_skin_paint(dice), skin, None, False),
        Part(body.faces[is_eye], body.face_uvs[is_eye], _EYE_TINT, eye, None, False),
    ]

    rotations = sample_pose(wardrobe, make_pose_rig(body), dice, split, rest, heads[0])
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
        solid_faces=torch.cat(closed),
        hair_faces=hair_faces,
        stature_m=float(skin_rest[:, 1].max() - skin_rest[:, 1].min()),
    )
