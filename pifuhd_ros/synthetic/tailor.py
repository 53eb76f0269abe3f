"""Procedural clothes: helper surfaces cut, pushed out, hung, flared and folded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pifuhd_ros.synthetic.cuts import Cut
from pifuhd_ros.synthetic.folds import Folds, Limbs, limbs_of, smoothstep
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.sheet import (
    Sheet,
    clip,
    close,
    refine,
    sheet_of,
)
from pifuhd_ros.synthetic.skirt import HIPS_Y, Inner, hang_skirt
from pifuhd_ros.synthetic.wardrobe import Wardrobe
from pifuhd_ros.synthetic.worn import with_apexes

SKIN_VERTICES = 13380
_LAYER_M = 0.004
_OVERLAP_M = 0.012
_ARMHOLE_M = 0.155
_SOCK_M = 0.009
_TILE_M = 0.42
_ANGLES, _ROWS = 24, 20
_ROW_TOP_Y, _ROW_STEP_M = 0.5, 0.022


@dataclass(frozen=True)
class Cloth:
    """A sewn garment in rest space [m]."""

    vertices: torch.Tensor
    """(V, 3), the apexes of the caps last."""
    base: torch.Tensor
    """(V, 3)."""
    weights: torch.Tensor
    """(V, 3)."""
    faces: torch.Tensor
    """(F, 3)."""
    face_uvs: torch.Tensor
    """(F, 3, 2) around and along each limb; one unit is about 40 cm."""
    caps: torch.Tensor
    """(C, 3)."""
    hidden: torch.Tensor
    """(N,) skin vertices under it."""


def _keeps(cut: Cut, mean: torch.Tensor, limbs: Limbs) -> list[torch.Tensor]:
    """Values (V,), one for each line that bounds the garment: positive is cloth."""
    y = limbs.height
    is_arm = limbs.reach > 0.2
    far = torch.ones_like(y)
    hem = cut.hem_y if cut.legs else max(cut.hem_y, HIPS_Y)
    keeps = [torch.where(is_arm, far, y - hem)]
    if not cut.top:
        return [torch.where(is_arm, -far, y - hem), cut.upper_y - y]
    if cut.sleeve_m > 0:
        keeps.append(torch.where(limbs.arm > 0.5, cut.sleeve_m - limbs.arm_along, far))
    else:
        keeps.append(_ARMHOLE_M - limbs.reach)
    # A line round the neck, lower in front; all but collars leave more of it free.
    x, z = mean[:, 0].abs(), mean[:, 2]
    neck = {"crew": 0.672, "scoop": 0.66, "vee": 0.668, "collar": 0.715}[cut.neck] - (y + 0.45 * z)
    depth, width = {"scoop": (0.09, 0.1), "vee": (0.14, 0.07)}.get(cut.neck, (0.0, 1.0))
    keeps.append(neck - depth * (1 - x / width).clamp(min=0) * smoothstep(0.0, 0.05, z))
    return keeps


class _Hang:
    """How far out, around and down the torso, cloth is held by what stands out above."""

    def __init__(self, sheet: Sheet, limbs: Limbs) -> None:
        on = (limbs.arm < 0.1) & (limbs.height < _ROW_TOP_Y) & (limbs.height > 0.05)
        radius = self.radius(sheet.rest)
        rows, columns = self._cell(limbs)
        cell = (rows.round().long() * _ANGLES + columns.round().long() % _ANGLES)[on]
        table = torch.zeros(_ROWS * _ANGLES, device=radius.device)
        table = table.scatter_reduce(0, cell, radius[on], "amax").view(_ROWS, _ANGLES)
        table = table.cummax(0).values
        for _ in range(2):
            table = (table.roll(1, 1) + 2 * table + table.roll(-1, 1)) / 4
        self._table = table

    @staticmethod
    def radius(rest: torch.Tensor) -> torch.Tensor:
        return (rest[:, 0].square() + (rest[:, 2] - 0.03).square()).sqrt()

    @staticmethod
    def _cell(limbs: Limbs) -> tuple[torch.Tensor, torch.Tensor]:
        rows = ((_ROW_TOP_Y - limbs.height) / _ROW_STEP_M).clamp(0, _ROWS - 1.001)
        return rows, torch.remainder(limbs.torso_angle / (2 * math.pi), 1) * _ANGLES

    def at(self, rest: torch.Tensor, limbs: Limbs) -> torch.Tensor:
        """(V,) how much farther out than the body [m]."""
        rows, columns = self._cell(limbs)
        r, c = rows.long(), columns.long() % _ANGLES
        s, t = rows - r, columns - columns.floor()
        d = (c + 1) % _ANGLES
        q = self._table
        value = (1 - s) * ((1 - t) * q[r, c] + t * q[r, d])
        value = value + s * ((1 - t) * q[r + 1, c] + t * q[r + 1, d])
        out = (value - self.radius(rest)).clamp(min=0)
        return out * smoothstep(_ROW_TOP_Y, 0.4, limbs.height) * (1 - limbs.arm)


class Layer:
    """How far out a garment lies, wherever one asks; layers over it lie farther out."""

    def __init__(self, cut: Cut, dice: Dice, hang: _Hang, under: list[Layer], tucked: bool) -> None:
        self._cut, self._hang, self._under, self._tucked = cut, hang, under, tucked
        device = hang._table.device
        self.folds = Folds(dice, cut.folds_m, cut.sleeve_m, cut.hem_y, device)

    def at(self, rest: torch.Tensor, limbs: Limbs) -> tuple[torch.Tensor, torch.Tensor]:
        """Displacement (V,) along the normals, and displacement (V,) off the limb's axis [m]."""
        cut = self._cut
        out = (cut.ease_m + self.folds.at(limbs)).clamp(min=-0.003)
        if cut.ease_m > 0:
            # Trousers go over socks and shoes, which leggings do not.
            ankle = smoothstep(-0.58, -0.68, limbs.height) * limbs.leg
            out = torch.maximum(out, _SOCK_M * ankle - 0.003 * (1 - ankle))
        off = torch.zeros_like(out)
        if not cut.legs:
            # Whatever the cut, cloth bridges the hollow between the buttocks.
            share = smoothstep(0.22, 0.12, limbs.height).clamp(min=cut.hang if cut.top else 0.0)
            off = share * self._hang.at(rest, limbs)
        if cut.legs:
            drop = smoothstep(0.02, min(cut.hem_y, -0.35), limbs.height)
            off = off + cut.flare_m * drop * limbs.leg
        elif cut.hem_y < 0.2:
            drop = smoothstep(0.35, min(cut.hem_y, 0.0), limbs.height) * (1 - limbs.arm)
            off = off + cut.flare_m * drop
        if cut.top:
            close_by = smoothstep(0.65, 0.58, limbs.height - 0.2 * limbs.reach)
            out = out * (0.25 + 0.75 * torch.maximum(close_by, limbs.arm))
        if self._tucked:
            slack = smoothstep(cut.hem_y + 0.02, cut.hem_y + 0.12, limbs.height)
            slack = torch.maximum(slack, limbs.arm)
            out, off = out * slack, off * slack
        for layer in self._under:
            inner, inner_off = layer.at(rest, limbs)
            out = torch.maximum(out, inner + _LAYER_M)
            off = torch.maximum(off, inner_off)
        return out, off


def _uvs(limbs: Limbs, faces: torch.Tensor) -> torch.Tensor:
    """(F, 3, 2): the limb of a face's first corner rules; angles do not jump inside a face."""
    first = faces[:, :1]
    on_arm, on_leg = limbs.arm[first] > 0.5, limbs.leg[first] > 0.5
    angle = torch.where(
        on_arm,
        limbs.arm_angle[faces],
        torch.where(on_leg, limbs.leg_angle[faces], limbs.torso_angle[faces]),
    )
    turn = angle / (2 * math.pi)
    turn = turn - (turn - turn[:, :1]).round()
    u = turn * torch.where(on_arm | on_leg, 1.0, 2.0)
    v = torch.where(on_arm, -limbs.arm_along[faces], limbs.height[faces]) / _TILE_M
    return torch.stack([u, v], 2)


def _displace(sheet: Sheet, limbs: Limbs, layer: Layer, legs_apart: bool) -> torch.Tensor:
    """(V, 3) where the layer lies [m]."""
    out, off = layer.at(sheet.rest, limbs)
    leg = limbs.leg[:, None]
    away = limbs.leg_out * leg + limbs.torso_out * (1 - leg)
    normals = sheet.normals
    low = smoothstep(0.22, 0.12, limbs.height)[:, None]
    if not legs_apart:
        normals = torch.nn.functional.normalize(normals * (1 - low) + away * low, dim=1)
    points = sheet.rest + normals * out[:, None] + away * off[:, None]
    # Between legs and buttocks each side stays on its own side.
    x, side = points[:, :1], torch.where(sheet.mean[:, :1] < 0, -1.0, 1.0)
    beside = sheet.mean[:, :1].abs() > 0.004
    x = torch.where((low > 0) & beside, side * (side * x).clamp(min=0.001), x)
    return torch.cat([x, points[:, 1:]], 1)


def sew(
    wardrobe: Wardrobe,
    rest: torch.Tensor,
    mean: torch.Tensor,
    cuts: list[Cut],
    tucked: bool,
    dice: Dice,
) -> list[Cloth]:
    """Makes the garments of one person.

    Args:
        wardrobe: Has the helper surfaces.
        rest: (V, 3) the person's rest body [m].
        mean: (V, 3) the mean rest body, in which cuts are measured.
        cuts: From the inside outwards.
        tucked: The first one's hem is narrow, to lie under the second's.
        dice: The person's random numbers.
    """
    tights = sheet_of(wardrobe.tights_faces, rest, mean)
    hang = _Hang(tights, limbs_of(tights.mean))
    layers: list[Layer] = []
    result: list[Cloth] = []
    skin = mean[:SKIN_VERTICES]
    skin_limbs = limbs_of(skin)
    inner = Inner(skin, rest[:SKIN_VERTICES])
    for i, cut in enumerate(cuts):
        layer = Layer(cut, dice, hang, list(layers), tucked and i == 0)
        layers.append(layer)
        cloth, outer = _sew_one(wardrobe, rest, mean, tights, cut, layer, inner, skin_limbs)
        result.append(cloth)
        inner = Inner(torch.cat([inner.mean, outer.mean]), torch.cat([inner.rest, outer.rest]))
    return result


def _sew_one(
    wardrobe: Wardrobe,
    rest: torch.Tensor,
    mean: torch.Tensor,
    tights: Sheet,
    cut: Cut,
    layer: Layer,
    inner: Inner,
    skin_limbs: Limbs,
) -> tuple[Cloth, Inner]:
    sheet = tights
    count = 1
    done = 0
    while done < count:
        keeps = _keeps(cut, sheet.mean, limbs_of(sheet.mean))
        sheet = clip(sheet, keeps[done])
        count, done = len(keeps), done + 1
    sheet = refine(sheet)
    points = _displace(sheet, limbs_of(sheet.mean, cut.legs), layer, cut.legs)
    base, weights, on_mean, faces = sheet.base, sheet.weights, sheet.mean, sheet.faces
    covered = torch.stack(_keeps(cut, mean[:SKIN_VERTICES], skin_limbs)).amin(0) > _OVERLAP_M
    if not cut.legs and cut.hem_y < HIPS_Y - _OVERLAP_M:
        rings = hang_skirt(wardrobe, rest, mean, sheet, points, cut, layer.folds, inner)
        points = torch.cat([points, rings.rest])
        base, weights = torch.cat([base, rings.base]), torch.cat([weights, rings.weights])
        on_mean, faces = torch.cat([on_mean, rings.mean]), torch.cat([faces, rings.faces])
        y = skin_limbs.height
        below = (y < HIPS_Y + 2 * _OVERLAP_M) & (skin_limbs.reach < 0.2)
        covered |= below & (y > cut.hem_y + 3 * _OVERLAP_M)
    outer = Inner(on_mean, points)
    uvs = _uvs(limbs_of(on_mean, cut.legs), faces)
    if not cut.legs and cut.hem_y < HIPS_Y:
        # The small wrinkles of what hangs run down it, not around.
        uvs = uvs.flip(2)
    points, base, weights, caps = with_apexes(points, base, weights, close(faces, len(points)))
    hidden = torch.nonzero(covered)[:, 0]
    return Cloth(points, base, weights, faces, uvs, caps, hidden), outer
