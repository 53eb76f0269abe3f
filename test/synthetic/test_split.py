from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.synthetic.cuts import STYLES
from pifuhd_ros.synthetic.gestures import GESTURES, STANCES
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.split import (
    HELD_OUT,
    HELD_OUT_BY_KIND,
    HELD_OUT_FILE,
    HELD_OUT_SHARE,
    is_held_out,
    pick_named,
    pick_names,
    pick_pairs,
)
from pifuhd_ros.synthetic.wardrobe import Wardrobe

ASSET_KINDS = ("clothes", "hair", "skins", "poses")
SEEDS = range(200)


def test_file_names_each_thing_once() -> None:
    names = json.loads(HELD_OUT_FILE.read_text(encoding="utf-8"))["names"]
    listed = [name for kind in names.values() for name in kind]
    assert len(listed) == len(set(listed)) == len(HELD_OUT)
    assert set(ASSET_KINDS) <= set(names)
    assert 0 < HELD_OUT_SHARE < 0.5


def test_every_held_out_thing_of_our_own_exists() -> None:
    for kind, things in (("cuts", STYLES), ("gestures", GESTURES), ("stances", STANCES)):
        names = {thing.name for thing in things}
        assert HELD_OUT_BY_KIND[kind] < names
        assert not names & (HELD_OUT - HELD_OUT_BY_KIND[kind])


def test_every_held_out_asset_exists(packed_assets_file: Path) -> None:
    with safe_open(str(packed_assets_file), "pt") as pack:
        keys = {tuple(key.split("/")[:2]) for key in pack.keys()}  # noqa: SIM118 - not a dict
    for kind in ASSET_KINDS:
        assert HELD_OUT_BY_KIND[kind]
        for name in HELD_OUT_BY_KIND[kind]:
            assert (kind, name) in keys


def test_pools_share_nothing_and_leave_nothing_out(wardrobe: Wardrobe) -> None:
    for pool in (wardrobe.outfits, wardrobe.shoes, wardrobe.hair):
        train = {item.name for item in pick_named(pool, "train")}
        held_out = {item.name for item in pick_named(pool, "held_out")}
        assert held_out
        assert not train & held_out
        assert train | held_out == {item.name for item in pool}
    for pairs in (wardrobe.skins, wardrobe.poses):
        train = {name for name, _ in pick_pairs(pairs, "train")}
        held_out = {name for name, _ in pick_pairs(pairs, "held_out")}
        assert held_out
        assert not train & held_out
        assert train | held_out == {name for name, _ in pairs}


def test_a_kind_of_which_nothing_is_held_out_is_free_for_both() -> None:
    assert pick_names(["fedora", "bob02"], "train") == ["fedora"]
    assert pick_names(["fedora", "bob02"], "held_out") == ["bob02"]
    assert pick_names(["fedora", "cap"], "held_out") == ["fedora", "cap"]
    assert is_held_out("bob02")
    assert not is_held_out("fedora")


class Choices:
    """Writes down the name of everything that is chosen while people are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: set[str] = set()
        choose, weigh = Dice.choice, Dice.weighted

        def noted(chosen: Any) -> Any:
            name = chosen[0] if isinstance(chosen, tuple) else getattr(chosen, "name", chosen)
            if isinstance(name, str):
                self.names.add(name)
            return chosen

        monkeypatch.setattr(Dice, "choice", lambda dice, items: noted(choose(dice, items)))
        monkeypatch.setattr(
            Dice, "weighted", lambda dice, items, weights: noted(weigh(dice, items, weights))
        )


def test_no_training_person_has_anything_held_out(
    wardrobe: Wardrobe, body: BodyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = Choices(monkeypatch)
    for seed in SEEDS:
        sample_people(wardrobe, body, [seed])
    assert len(choices.names) > 40
    assert not choices.names & HELD_OUT


def test_held_out_people_have_all_that_is_held_out(
    wardrobe: Wardrobe, body: BodyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = Choices(monkeypatch)
    for seed in SEEDS:
        sample_people(wardrobe, body, [seed], "held_out")
    for kind in HELD_OUT_BY_KIND:
        assert choices.names >= HELD_OUT_BY_KIND[kind]
    for pool in (wardrobe.outfits, wardrobe.shoes, wardrobe.hair):
        assert not choices.names & {item.name for item in pick_named(pool, "train")}
    for pairs in (wardrobe.skins, wardrobe.poses):
        assert not choices.names & {name for name, _ in pick_pairs(pairs, "train")}


def test_held_out_people_have_shapes_of_their_own(wardrobe: Wardrobe, body: BodyModel) -> None:
    """Training mixes from the first known shapes, evaluation from the last: statures differ."""
    statures = {
        split: sample_people(wardrobe, body, range(8), split).stature_m
        for split in ("train", "held_out")
    }
    assert not torch.isclose(statures["train"][:, None], statures["held_out"]).any()
