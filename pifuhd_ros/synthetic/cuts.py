"""How procedural clothes are cut: a table of kinds, and what a person wears of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.split import Split, pick_named

Neck = Literal["crew", "scoop", "vee", "collar"]
Hood = Literal["none", "down", "up"]
Range = tuple[float, float]

SLEEVE_END_M = 0.49
"""The wrist, along the arm of the mean body."""

TUCKED_M = 0.05
"""How far a tucked top goes on below the waist."""
_BARE_M = 0.04


@dataclass(frozen=True)
class Cut:
    """One piece, in the mean body's rest pose: metres, y up."""

    top: bool
    """Covers shoulders and chest; else it hangs from the waist."""
    legs: bool
    """Below the crotch it goes round each leg; else round both, as a skirt."""
    upper_y: float
    """Where it ends above; not for tops, see neck."""
    hem_y: float
    """Where it ends below."""
    sleeve_m: float
    """Along the arm; 0 is sleeveless."""
    neck: Neck
    ease_m: float
    """How far it stands off the helper surface, which lies about a centimetre off the skin."""
    hang: float
    """0: it follows the body; 1: it falls straight from what stands out."""
    flare_m: float
    """How much wider it gets down to its hem."""
    folds_m: float
    """Depth of its folds."""
    pleats: int
    """Of a skirt, around the hem; 0: irregular."""
    hood: Hood = "none"


@dataclass(frozen=True)
class _Style:
    """A row of the table: what a kind's cuts are drawn from."""

    name: str
    share: float
    cut: Cut
    hem_y: Range
    sleeve_m: tuple[Range, ...]
    ease_m: Range
    hang: Range
    flare_m: Range
    folds_m: Range
    necks: tuple[Neck, ...] = ("crew",)
    upper_y: Range = (0.0, 0.0)


_TOP = Cut(True, False, 0.0, 0.1, 0.2, "crew", 0.01, 0.0, 0.0, 0.005, 0)
_TROUSERS = Cut(False, True, 0.2, -0.7, 0.0, "crew", 0.006, 0.0, 0.0, 0.005, 0)
_SKIRT = Cut(False, False, 0.2, -0.4, 0.0, "crew", 0.006, 0.0, 0.0, 0.005, 0)
_SHORT, _HALF, _LONG, _NONE = (0.1, 0.2), (0.22, 0.36), (0.38, SLEEVE_END_M), (0.0, 0.0)

_TOPS = (
    _Style("T-shirt", 0.3, _TOP, (0.06, 0.2), (_SHORT, _SHORT, _NONE, _LONG),
           (0.003, 0.012), (0.1, 0.6), (0.0, 0.02), (0.003, 0.009), ("crew", "scoop", "vee")),
    _Style("loose shirt", 0.3, _TOP, (-0.08, 0.14), (_SHORT, _HALF, _LONG, _LONG),
           (0.01, 0.024), (0.5, 1.0), (0.0, 0.04), (0.006, 0.014), ("crew", "vee", "collar")),
    _Style("pullover", 0.2, _TOP, (0.04, 0.16), (_LONG,),
           (0.014, 0.03), (0.3, 0.8), (-0.01, 0.01), (0.006, 0.014), ("crew", "collar", "vee")),
    _Style("crop top", 0.06, _TOP, (0.2, 0.3), (_NONE, _SHORT, _LONG),
           (0.002, 0.008), (0.0, 0.5), (0.0, 0.02), (0.002, 0.006), ("crew", "scoop", "vee")),
    _Style("tunic", 0.14, _TOP, (-0.3, -0.08), (_NONE, _SHORT, _HALF, _LONG),
           (0.006, 0.02), (0.3, 0.9), (0.0, 0.06), (0.005, 0.013), ("crew", "scoop", "vee")),
    _Style("polo shirt", 0.3, _TOP, (-0.06, 0.1), (_SHORT, _HALF),
           (0.006, 0.016), (0.3, 0.8), (-0.01, 0.02), (0.004, 0.01), ("collar",)),
)  # fmt: skip
_HOODIES = (
    _Style("hoodie", 1.0, replace(_TOP, hood="down"), (0.0, 0.14), (_LONG,),
           (0.016, 0.03), (0.5, 1.0), (-0.01, 0.02), (0.008, 0.015)),
    _Style("raised hood", 1.0, replace(_TOP, hood="up"), (0.0, 0.14), (_LONG,),
           (0.016, 0.03), (0.5, 1.0), (-0.01, 0.02), (0.008, 0.015), ("collar",)),
)  # fmt: skip
_COAT = _Style("coat", 1.0, _TOP, (-0.62, -0.12), (_LONG,),
               (0.024, 0.038), (0.5, 1.0), (0.0, 0.08), (0.006, 0.014),
               ("crew", "vee", "collar"))  # fmt: skip
_DRESSES = (
    _Style("dress", 1.0, _TOP, (-0.6, -0.1), (_NONE, _SHORT, _HALF),
           (0.003, 0.014), (0.0, 0.7), (0.0, 0.12), (0.004, 0.013), ("crew", "scoop", "vee")),
    _Style("long-sleeved dress", 1.0, _TOP, (-0.6, -0.1), ((0.42, SLEEVE_END_M),),
           (0.003, 0.014), (0.0, 0.7), (0.0, 0.12), (0.004, 0.013), ("crew", "scoop", "vee")),
)  # fmt: skip
_BOTTOMS = (
    _Style("trousers", 0.3, _TROUSERS, (-0.77, -0.66), (_NONE,),
           (0.002, 0.008), (0.0, 0.3), (0.0, 0.01), (0.003, 0.009), upper_y=(0.14, 0.24)),
    _Style("wide trousers", 0.3, _TROUSERS, (-0.77, -0.58), (_NONE,),
           (0.006, 0.018), (0.2, 0.9), (0.015, 0.07), (0.006, 0.015), upper_y=(0.16, 0.25)),
    _Style("shorts", 0.25, _TROUSERS, (-0.36, -0.1), (_NONE,),
           (0.004, 0.02), (0.2, 0.9), (0.0, 0.035), (0.004, 0.012), upper_y=(0.14, 0.22)),
    _Style("leggings", 0.15, _TROUSERS, (-0.72, -0.4), (_NONE,),
           (-0.004, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.003), upper_y=(0.16, 0.24)),
    _Style("cropped trousers", 0.3, _TROUSERS, (-0.56, -0.4), (_NONE,),
           (0.004, 0.014), (0.2, 0.9), (0.0, 0.04), (0.004, 0.012), upper_y=(0.14, 0.24)),
)  # fmt: skip
_SKIRTS = _Style("skirt", 1.0, _SKIRT, (-0.62, -0.12), (_NONE,),
                 (0.002, 0.012), (0.0, 0.6), (0.0, 0.14), (0.004, 0.014),
                 upper_y=(0.16, 0.24))  # fmt: skip

STYLES = (*_TOPS, *_HOODIES, _COAT, *_DRESSES, *_BOTTOMS, _SKIRTS)
"""All that is sewn; each has a name."""


def _between(dice: Dice, limits: Range) -> float:
    return dice.uniform(*limits)


def _cut(style: _Style, dice: Dice) -> Cut:
    return replace(
        style.cut,
        hem_y=_between(dice, style.hem_y),
        upper_y=_between(dice, style.upper_y),
        sleeve_m=_between(dice, dice.choice(style.sleeve_m)),
        neck=dice.choice(style.necks),
        ease_m=_between(dice, style.ease_m),
        hang=_between(dice, style.hang),
        flare_m=_between(dice, style.flare_m),
        folds_m=_between(dice, style.folds_m),
        pleats=dice.choice((0, 0, 12, 20)),
    )


def _pick(styles: tuple[_Style, ...], dice: Dice, split: Split) -> Cut:
    mine = pick_named(styles, split)
    return _cut(dice.weighted(mine, [style.share for style in mine]), dice)


def sample_cuts(dice: Dice, split: Split, woman: bool) -> list[Cut]:
    """What one person wears, from the inside outwards; a top may be tucked in below the rest."""
    bottom = _pick(_BOTTOMS, dice, split)
    if dice.chance(0.35 if woman else 0.03):
        bottom = _cut(_SKIRTS, dice)
    if dice.chance(0.16):
        return [bottom, _pick(_HOODIES, dice, split)]
    if woman and dice.chance(0.2):
        return [_pick(_DRESSES, dice, split)]
    if dice.chance(0.12):
        return [bottom, _cut(_COAT, dice)]
    top = _pick(_TOPS, dice, split)
    if dice.chance(0.25):
        return [replace(top, hem_y=bottom.upper_y - TUCKED_M), bottom]
    if -_BARE_M < top.hem_y - bottom.upper_y < _BARE_M:
        # Either they overlap well or the belly is bare: no thin strips of skin.
        top = replace(top, hem_y=bottom.upper_y - _BARE_M)
    return [bottom, top]
