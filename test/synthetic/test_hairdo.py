"""Hair that is not as the assets have it."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.clothing import fit_garment
from pifuhd_ros.synthetic.hairdo import restyle
from pifuhd_ros.synthetic.headwear import Head
from pifuhd_ros.synthetic.paint import Paint
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.wardrobe import Wardrobe
from pifuhd_ros.synthetic.worn import Worn, shown_faces

GREY = Paint((0.5, 0.5, 0.5), 1.0)


@pytest.fixture(scope="module")
def head(body: BodyModel) -> Head:
    return Head(body.mean, body.mean)


def _hair(wardrobe: Wardrobe, body: BodyModel, name: str) -> Worn:
    (style,) = (style for style in wardrobe.hair if style.name == name)
    return fit_garment(style, body.mean, body.mean, Dice(0), 0.0, GREY, "hair")


def test_volume_and_length_vary_with_the_seed(
    wardrobe: Wardrobe, body: BodyModel, head: Head
) -> None:
    given = _hair(wardrobe, body, "long01")
    styles = [restyle(given, head, Dice(seed)) for seed in range(12)]
    again = restyle(given, head, Dice(3))
    assert torch.equal(again.vertices, styles[3].vertices)
    assert all(torch.equal(style.faces, given.faces) for style in styles)
    low = torch.stack([style.vertices[:, 1].min() for style in styles])
    wide = torch.stack([style.vertices[:, 0].max() for style in styles])
    assert low.min() < given.vertices[:, 1].min() - 0.03
    assert low.max() > given.vertices[:, 1].min() + 0.03
    assert wide.max() > given.vertices[:, 0].max() + 0.01


@pytest.mark.parametrize("seed", range(6))
def test_no_hair_grows_into_the_head_or_far_off_it(
    wardrobe: Wardrobe, body: BodyModel, head: Head, seed: int
) -> None:
    given = _hair(wardrobe, body, "bob01")
    styled = restyle(given, head, Dice(seed))
    moved = (styled.vertices - given.vertices)[given.vertices[:, 1] > 0.75]
    assert moved.norm(dim=1).max() < 0.08

    def room(hair: Worn) -> torch.Tensor:
        away = hair.vertices - head.middle
        return away.norm(dim=1) - head.reach(torch.nn.functional.normalize(away, dim=1), head.whole)

    high = given.vertices[:, 1] > 0.8
    before, after = room(given)[high], room(styled)[high]
    assert (after >= before.clamp(max=0) - 1e-4).all()


def test_cards_that_show_nothing_are_left_out(wardrobe: Wardrobe, body: BodyModel) -> None:
    hair = _hair(wardrobe, body, "short02")
    shown = shown_faces(hair, wardrobe.textures)
    assert 0.7 * len(hair.faces) < len(shown) < 0.85 * len(hair.faces)
    bare = dataclasses.replace(hair, texture=-1)
    assert torch.equal(shown_faces(bare, wardrobe.textures), hair.faces)
