"""What one person wears."""

from __future__ import annotations

from dataclasses import replace

import torch

from pifuhd_ros.synthetic.clothing import fit_garment, fit_suit
from pifuhd_ros.synthetic.cuts import sample_cuts
from pifuhd_ros.synthetic.paint import (
    Colour,
    Paint,
    sample_cloth_paint,
    sample_hair_paint,
    sample_shoe_paint,
)
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.split import Split, pick_named
from pifuhd_ros.synthetic.tailor import sew
from pifuhd_ros.synthetic.wardrobe import Garment, Wardrobe
from pifuhd_ros.synthetic.worn import Worn


def _fitting(garments: list[Garment], woman: bool) -> list[Garment]:
    """Garments cut for this gender; all of them where there is none."""
    wrong = "male_" if woman else "female_"
    return [g for g in garments if not g.name.startswith(wrong)] or garments


def _chest(rest: torch.Tensor, mean: torch.Tensor) -> Colour:
    """The middle of the chest's front [m]."""
    on_chest = (mean[:, 0].abs() < 0.06) & ((mean[:, 1] - 0.46).abs() < 0.05) & (mean[:, 2] > 0.05)
    x, y, z = rest[on_chest].mean(0).tolist()
    return x, y, z


def _suit(
    wardrobe: Wardrobe,
    rest: torch.Tensor,
    mean: torch.Tensor,
    dice: Dice,
    split: Split,
    woman: bool,
) -> list[Worn]:
    outfit = dice.choice(_fitting(pick_named(wardrobe.outfits, split), woman))
    loosen_m = dice.uniform(0.0, 0.015)
    textured = outfit.texture >= 0
    upper = sample_cloth_paint(dice, textured, _chest(rest, mean))
    lower = sample_cloth_paint(dice, textured)
    if dice.chance(0.2):
        lower = upper
    return fit_suit(outfit, rest, mean, dice, loosen_m, (upper, lower))


def _sewn(
    wardrobe: Wardrobe,
    rest: torch.Tensor,
    mean: torch.Tensor,
    dice: Dice,
    split: Split,
    woman: bool,
) -> list[Worn]:
    cuts = sample_cuts(dice, split, woman)
    tucked = cuts[0].top and len(cuts) > 1
    chest = _chest(rest, mean)
    result: list[Worn] = []
    paint: Paint | None = None
    for cut, cloth in zip(cuts, sew(wardrobe, rest, mean, cuts, tucked, dice), strict=True):
        if paint is None or not dice.chance(0.15):
            paint = sample_cloth_paint(dice, False, chest if cut.top else None)
        normal_map = dice.choice(wardrobe.weaves) if dice.chance(0.8) else -1
        result.append(
            Worn(
                cloth.vertices,
                cloth.base,
                cloth.weights,
                cloth.faces,
                cloth.face_uvs,
                cloth.caps,
                cloth.hidden,
                paint,
                -1,
                normal_map,
                "cloth",
            )
        )
    return result


def sample_outfit(
    wardrobe: Wardrobe,
    rest: torch.Tensor,
    mean: torch.Tensor,
    dice: Dice,
    split: Split,
    woman: bool,
) -> list[Worn]:
    """Dresses one person: clothes, shoes, brows, hair, and what is worn on the head.

    Args:
        wardrobe: The packed assets.
        rest: (V, 3) the person's rest body with its helper vertices [m].
        mean: (V, 3) the mean rest body, in which cuts are measured.
        dice: The person's random numbers.
        split: Which assets and kinds of clothes may be used.
        woman: Which outfits and cuts fit.
    """
    if dice.chance(0.45 if split == "train" else 0.6):
        worn = _suit(wardrobe, rest, mean, dice, split, woman)
    else:
        worn = _sewn(wardrobe, rest, mean, dice, split, woman)
    if dice.chance(0.9):
        shoes = dice.choice(pick_named(wardrobe.shoes, split))
        paint = sample_shoe_paint(dice, shoes.texture >= 0)
        worn.append(fit_garment(shoes, rest, mean, dice, 0.0, paint, "shoes"))
    hair_paint = sample_hair_paint(dice)
    brows = dice.choice(wardrobe.eyebrows)
    dark = replace(hair_paint, tint=tuple(0.8 * c for c in hair_paint.tint))
    worn.append(fit_garment(brows, rest, mean, dice, 0.0, dark, "card"))
    if dice.chance(0.94):
        hair = dice.choice(pick_named(wardrobe.hair, split))
        worn.append(fit_garment(hair, rest, mean, dice, 0.0, hair_paint, "hair"))
    return worn
