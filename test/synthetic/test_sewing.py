"""Sewn clothes: closed, outward, cut along their lines, and skin stays under them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.cuts import Cut, sample_cuts
from pifuhd_ros.synthetic.headwear import (
    Head,
    glasses,
    hat,
    lowered_hood,
    raised_hood,
    sample_cover,
)
from pifuhd_ros.synthetic.paint import Paint
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.sheet import boundary_edges, clip, refine, sheet_of
from pifuhd_ros.synthetic.tailor import SKIN_VERTICES, Cloth, sew
from pifuhd_ros.synthetic.wardrobe import Wardrobe
from pifuhd_ros.synthetic.winding import winding_number

_PLAIN = Paint((0.5, 0.5, 0.5), 0.0)


def _bodies(body: BodyModel, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rest bodies (V, 3) of a known person, and of the mean one."""
    rest, _ = body.rest(body.known_betas[seed * 7 : seed * 7 + 1])
    return rest[0], body.mean[: body.vertex_count]


def _sewn(
    wardrobe: Wardrobe, body: BodyModel, seed: int
) -> tuple[list[Cut], list[Cloth], torch.Tensor]:
    rest, mean = _bodies(body, seed)
    dice = Dice(seed)
    cuts = sample_cuts(dice, "held_out" if seed % 3 == 0 else "train", seed % 2 == 0)
    tucked = cuts[0].top and len(cuts) > 1
    return cuts, sew(wardrobe, rest, mean, cuts, tucked, dice), rest


def _is_closed(faces: torch.Tensor) -> bool:
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    key = edges.amin(1) * (int(faces.max()) + 1) + edges.amax(1)
    sign = torch.where(edges[:, 0] < edges[:, 1], 1, -1)
    _, index = torch.unique(key, return_inverse=True)
    balance = torch.zeros(int(index.max()) + 1, dtype=torch.int64).index_add(0, index, sign)
    return bool((balance == 0).all())


def _volume(vertices: torch.Tensor, faces: torch.Tensor) -> float:
    a, b, c = vertices[faces].unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("seed", range(6))
def test_clothes_are_closed_and_outward(wardrobe: Wardrobe, body: BodyModel, seed: int) -> None:
    _, clothes, rest = _sewn(wardrobe, body, seed)
    for cloth in clothes:
        whole = torch.cat([cloth.faces, cloth.caps])
        assert _is_closed(whole)
        assert 0.002 < _volume(cloth.vertices, whole) < 0.6
        assert torch.isfinite(cloth.vertices).all()
        assert torch.isfinite(cloth.face_uvs).all()
        assert torch.allclose(cloth.weights.sum(1), torch.ones(len(cloth.weights)), atol=1e-5)
        assert (cloth.vertices - rest[cloth.base[:, 0]]).norm(dim=1)[
            : -len(cloth.caps)
        ].median() < 0.1


@pytest.mark.parametrize("seed", range(6))
def test_skin_stays_under_clothes(wardrobe: Wardrobe, body: BodyModel, seed: int) -> None:
    _, clothes, rest = _sewn(wardrobe, body, seed)
    hidden = torch.zeros(SKIN_VERTICES, dtype=torch.bool)
    for cloth in clothes:
        hidden[cloth.hidden] = True
    chosen = torch.nonzero(hidden)[:, 0]
    chosen = chosen[torch.randperm(len(chosen), generator=torch.Generator().manual_seed(0))[:500]]
    inside = torch.zeros(len(chosen))
    for cloth in clothes:
        triangles = cloth.vertices[torch.cat([cloth.faces, cloth.caps])]
        inside = torch.maximum(inside, winding_number(rest[chosen], triangles))
    # What is not drawn lies under the cloth: no hole shows.
    assert (inside > 0.5).float().mean() > 0.99


def test_a_hem_is_the_line_itself(wardrobe: Wardrobe, body: BodyModel) -> None:
    rest, mean = _bodies(body, 1)
    sheet = sheet_of(wardrobe.tights_faces, rest, mean)
    cut = clip(sheet, sheet.mean[:, 1] - 0.3)
    low = torch.unique(boundary_edges(cut.faces))
    y = cut.mean[low, 1]
    assert y.min() == pytest.approx(0.3, abs=2e-4)
    assert ((y - 0.3).abs() < 2e-4).sum() > 30
    fine = refine(cut)
    assert len(fine.faces) == 4 * len(cut.faces)
    assert len(boundary_edges(fine.faces)) == 2 * len(boundary_edges(cut.faces))
    # Mixtures of body vertices say where a vertex is.
    mixed = (mean[fine.base] * fine.weights[..., None]).sum(1)
    assert (mixed - fine.mean).norm(dim=1).max() < 0.004


@pytest.mark.parametrize("seed", range(4))
def test_what_sits_on_the_head_is_closed_and_around_it(
    wardrobe: Wardrobe, body: BodyModel, seed: int
) -> None:
    rest, mean = _bodies(body, seed)
    head, dice = Head(rest, mean), Dice(seed)
    cover = sample_cover(dice, rest.device)
    worn = {
        "hat": hat(head, cover, dice, _PLAIN, -1),
        "raised": raised_hood(head, dice, _PLAIN, -1),
        "lowered": lowered_hood(head, dice, _PLAIN, -1),
        "glasses": glasses(head, mean, dice, _PLAIN),
    }
    for thing in worn.values():
        assert _is_closed(thing.faces)
        assert _volume(thing.vertices, thing.faces) > 1e-6
        assert len(thing.caps) == 0
    crown = rest[:SKIN_VERTICES][mean[:SKIN_VERTICES, 1] > 0.9]
    for name in ("hat", "raised"):
        shell = worn[name]
        assert shell.vertices[:, 1].amax() > crown[:, 1].amax()
    # Nothing of the crown pokes through what is a few millimetres farther out.
    away = torch.nn.functional.normalize(crown - head.middle, dim=1)
    for around in (head.skull, head.whole):
        assert (head.reach(away, around) + 0.002 > (crown - head.middle).norm(dim=1)).all()


def test_layers_do_not_cross(wardrobe: Wardrobe, body: BodyModel) -> None:
    rest, mean = _bodies(body, 2)
    trousers = Cut(False, True, 0.22, -0.6, 0.0, "crew", 0.012, 0.0, 0.01, 0.01, 0)
    shirt = replace(trousers, top=True, legs=False, hem_y=0.12, sleeve_m=0.2, ease_m=0.002)
    inner, outer = sew(wardrobe, rest, mean, [trousers, shirt], False, Dice(0))
    on_mean = (mean[inner.base] * inner.weights[..., None]).sum(1)
    between = (on_mean[:, 1] > 0.135) & (on_mean[:, 1] < 0.21)
    between[-len(torch.unique(inner.caps[:, 2])) :] = False
    triangles = outer.vertices[torch.cat([outer.faces, outer.caps])]
    winding = winding_number(inner.vertices[between], triangles)
    assert between.sum() > 200
    assert (winding > 0.5).float().mean() > 0.98


def test_a_skirt_hides_the_legs(wardrobe: Wardrobe, body: BodyModel) -> None:
    rest, mean = _bodies(body, 3)
    skirt = Cut(False, False, 0.2, -0.45, 0.0, "crew", 0.004, 0.0, 0.0, 0.006, 0)
    (cloth,) = sew(wardrobe, rest, mean, [skirt], False, Dice(0))
    skin, legs = rest[:SKIN_VERTICES], mean[:SKIN_VERTICES]
    under = (legs[:, 1] < 0.05) & (legs[:, 1] > -0.4) & (legs[:, 0].abs() < 0.3)
    hidden = torch.zeros(SKIN_VERTICES, dtype=torch.bool)
    hidden[cloth.hidden] = True
    assert hidden[under].all()
    triangles = cloth.vertices[torch.cat([cloth.faces, cloth.caps])]
    assert (winding_number(skin[under][::5], triangles) > 0.5).float().mean() > 0.99
