"""What one person wears."""

from __future__ import annotations

from dataclasses import replace

import torch

from pifuhd_ros.synthetic.clothing import fit_garment, fit_suit, lay_over
from pifuhd_ros.synthetic.cuts import Hood, sample_cuts
from pifuhd_ros.synthetic.hairdo import restyle
from pifuhd_ros.synthetic.headwear import (
    Head,
    glasses,
    hat,
    lowered_hood,
    raised_hood,
    sample_cover,
)
from pifuhd_ros.synthetic.paint import (
    Colour,
    Paint,
    sample_cloth_paint,
    sample_frame_paint,
    sample_hair_paint,
    sample_shoe_paint,
)
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.split import Split, pick_named
from pifuhd_ros.synthetic.tailor import sew
from pifuhd_ros.synthetic.wardrobe import Garment, Wardrobe
from pifuhd_ros.synthetic.worn import Worn

_UNDER_HOOD, _UNDER_HAT, _OVER_HOOD = ("short",), ("short", "long"), ("short", "bob", "afro")
"""Hair styles that go with what is on the head, by how their names begin."""

_RESTYLED = 0.7
"""Share of the training's hair that is not as the assets have it."""
_LOOSEST_M = {"train": 0.03, "held_out": 0.015}
"""How much wider than designed an outfit may be."""


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
    loosen_m = dice.uniform(0.0, _LOOSEST_M[split])
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
) -> tuple[list[Worn], Hood]:
    """Sewn clothes, and where their hood is."""
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
            Worn(**vars(cloth), paint=paint, texture=-1, normal_map=normal_map, kind="cloth")
        )
        if cut.hood != "none":
            sew_hood = raised_hood if cut.hood == "up" else lowered_hood
            result.append(sew_hood(Head(rest, mean), dice, paint, normal_map))
    return result, cuts[-1].hood


def _on_head(
    wardrobe: Wardrobe,
    rest: torch.Tensor,
    mean: torch.Tensor,
    dice: Dice,
    split: Split,
    hood: Hood,
) -> list[Worn]:
    """Brows, hair, a hat and glasses."""
    head = Head(rest, mean)
    hair_paint = sample_hair_paint(dice)
    r, g, b = hair_paint.tint
    dark = replace(hair_paint, tint=(0.8 * r, 0.8 * g, 0.8 * b))
    brows = fit_garment(dice.choice(wardrobe.eyebrows), rest, mean, dice, 0.0, dark, "card")
    worn = [brows]
    cover = sample_cover(dice, rest.device)
    has_hat = hood != "up" and dice.chance(0.1)
    if has_hat:
        paint = sample_cloth_paint(dice, True)
        if wardrobe.hats and dice.chance(0.3):
            fedora = dice.choice(pick_named(wardrobe.hats, split))
            worn.append(fit_garment(fedora, rest, mean, dice, 0.0, paint, "hard"))
        else:
            worn.append(hat(head, cover, dice, paint, dice.choice(wardrobe.weaves)))
    styles = pick_named(wardrobe.hair, split)
    if has_hat or hood != "none":
        fitting: tuple[str, ...] = _UNDER_HAT if has_hat else _OVER_HOOD
        if hood == "up" or (hood == "down" and has_hat):
            fitting = _UNDER_HOOD
        styles = [style for style in styles if style.name.startswith(fitting)]
    if styles and dice.chance(0.94):
        hair = fit_garment(dice.choice(styles), rest, mean, dice, 0.0, hair_paint, "hair")
        if split == "train" and dice.chance(_RESTYLED):
            hair = restyle(hair, head, dice)
        if hood == "up":
            hair = replace(hair, vertices=head.flatten(hair.vertices, head.whole, 0.003, None))
        elif has_hat:
            hair = replace(hair, vertices=head.flatten(hair.vertices, head.skull, 0.003, cover))
        worn.append(hair)
    if dice.chance(0.12):
        worn.append(glasses(head, mean, dice, sample_frame_paint(dice)))
    return worn


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
    hood: Hood = "none"
    if dice.chance(0.45 if split == "train" else 0.6):
        worn = _suit(wardrobe, rest, mean, dice, split, woman)
    else:
        worn, hood = _sewn(wardrobe, rest, mean, dice, split, woman)
    if dice.chance(0.9):
        shoes = dice.choice(pick_named(wardrobe.shoes, split))
        paint = sample_shoe_paint(dice, shoes.texture >= 0)
        worn.append(fit_garment(shoes, rest, mean, dice, 0.0, paint, "shoes"))
    on_head = _on_head(wardrobe, rest, mean, dice, split, hood)
    clothes = [thing for thing in worn if thing.kind == "cloth"]
    on_head = [lay_over(thing, clothes) if thing.kind == "hair" else thing for thing in on_head]
    return worn + on_head
