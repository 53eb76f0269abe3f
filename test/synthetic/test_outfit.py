"""What people wear: repeatable, whole, within the textures, and split between the halves."""

from __future__ import annotations

import pytest
import torch

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.clothing import fit_garment, lay_over
from pifuhd_ros.synthetic.cuts import sample_cuts
from pifuhd_ros.synthetic.outfit import sample_outfit
from pifuhd_ros.synthetic.paint import Paint
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.sheet import vertex_normals
from pifuhd_ros.synthetic.wardrobe import Wardrobe
from pifuhd_ros.synthetic.worn import Worn


def _outfit(wardrobe: Wardrobe, body: BodyModel, seed: int) -> list[Worn]:
    rest, _ = body.rest(body.known_betas[seed : seed + 1])
    mean = body.mean[: body.vertex_count]
    return sample_outfit(wardrobe, rest[0], mean, Dice(seed), "train", seed % 2 == 0)


@pytest.mark.parametrize("seed", range(8))
def test_everything_worn_is_whole(wardrobe: Wardrobe, body: BodyModel, seed: int) -> None:
    worn = _outfit(wardrobe, body, seed)
    assert {"cloth", "card"} <= {thing.kind for thing in worn}
    for thing in worn:
        count = len(thing.vertices)
        assert thing.base.shape == thing.weights.shape == thing.vertices.shape
        assert thing.faces.max() < count
        assert len(thing.caps) == 0 or thing.caps.max() < count
        assert thing.face_uvs.shape == (len(thing.faces), 3, 2)
        assert torch.isfinite(thing.vertices).all()
        assert torch.allclose(thing.weights.sum(1), torch.ones(count), atol=1e-5)
        assert (thing.weights >= 0).all()
        assert thing.base.min() >= 0
        assert thing.base.max() < body.vertex_count
        assert -1 <= thing.texture < len(wardrobe.textures)
        assert -1 <= thing.normal_map < len(wardrobe.textures)
        if thing.kind in ("hair", "card"):
            assert thing.texture >= 0
            assert thing.paint.is_hair


def test_a_seed_is_an_outfit(wardrobe: Wardrobe, body: BodyModel) -> None:
    first, again = _outfit(wardrobe, body, 5), _outfit(wardrobe, body, 5)
    assert len(first) == len(again)
    for a, b in zip(first, again, strict=True):
        assert a.paint == b.paint
        assert torch.equal(a.vertices, b.vertices)
        assert torch.equal(a.faces, b.faces)


def test_hoods_up_and_long_sleeved_dresses_are_held_out() -> None:
    seen = {"train": set(), "held_out": set()}
    for split, kinds in seen.items():
        for seed in range(400):
            cuts = sample_cuts(Dice(seed), split, seed % 2 == 0)
            for cut in cuts:
                if cut.hood == "up":
                    kinds.add("hood")
            if len(cuts) == 1 and cuts[0].sleeve_m > 0.4:
                kinds.add("dress")
    assert seen == {"train": set(), "held_out": {"hood", "dress"}}


def test_training_wears_many_lengths() -> None:
    cuts = [cut for seed in range(300) for cut in sample_cuts(Dice(seed), "train", True)]
    for wanted in (
        [cut for cut in cuts if cut.top and cut.sleeve_m == 0],
        [cut for cut in cuts if cut.top and cut.hem_y < -0.3],
        [cut for cut in cuts if cut.top and cut.hem_y > 0.15],
        [cut for cut in cuts if cut.legs and cut.hem_y < -0.6 and cut.flare_m > 0.03],
        [cut for cut in cuts if cut.legs and cut.hem_y > -0.3],
        [cut for cut in cuts if not cut.legs and not cut.top],
        [cut for cut in cuts if cut.hood == "down"],
    ):
        assert len(wanted) >= 5


def test_all_textures_are_one_tensor(wardrobe: Wardrobe) -> None:
    assert wardrobe.textures.dtype == torch.uint8
    assert wardrobe.textures.shape[1] == 4
    for garment in wardrobe.eyebrows:
        alpha = wardrobe.textures[garment.texture, 3]
        assert alpha.min() < 50
        assert alpha.max() > 60
    for _, skin in wardrobe.skins:
        assert (wardrobe.textures[skin, 3] == 255).all()


def test_the_skirt_grid_runs_down_and_around(wardrobe: Wardrobe, body: BodyModel) -> None:
    grid = body.mean[wardrobe.skirt_grid]
    assert wardrobe.skirt_grid.numel() == len(torch.unique(wardrobe.skirt_faces))
    assert (grid[1:, :, 1].mean(1) < grid[:-1, :, 1].mean(1)).all()
    quarter = grid.shape[1] // 4
    assert (grid[:, 0, 2] > 0.05).all()
    assert (grid[:, quarter, 0] > 0.1).all()


def test_hair_falls_over_clothes(wardrobe: Wardrobe, body: BodyModel) -> None:
    rest = mean = body.mean[: body.vertex_count]
    style = next(g for g in wardrobe.hair if g.name.startswith("long"))
    paint = Paint((0.1, 0.1, 0.1), 1.0, is_hair=True)
    hair = fit_garment(style, rest, mean, Dice(0), 0.0, paint, "hair")
    outfit = fit_garment(wardrobe.outfits[0], rest, mean, Dice(0), 0.02, paint, "cloth")

    def sunk(hair: Worn) -> int:
        normals = vertex_normals(outfit.vertices, outfit.faces)
        on = normals.square().sum(1) > 0.5
        distance, nearest = torch.cdist(hair.vertices, outfit.vertices[on]).min(1)
        above = ((hair.vertices - outfit.vertices[on][nearest]) * normals[on][nearest]).sum(1)
        return int(((above < 0) & (distance < 0.03) & (hair.vertices[:, 1] < 0.6)).sum())

    assert sunk(hair) > 20
    assert sunk(lay_over(hair, [outfit])) < 0.2 * sunk(hair)
