"""The packed assets, where MakeHuman's are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pifuhd_ros.assets.pack import pack_assets
from pifuhd_ros.body.model import BODY_FILE, BodyModel, load_body
from pifuhd_ros.synthetic.person import Person, sample_person
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe

_ASSETS = Path(__file__).resolve().parents[3] / "shared" / "makehuman"


@pytest.fixture(scope="session")
def wardrobe(tmp_path_factory: pytest.TempPathFactory) -> Wardrobe:
    if not _ASSETS.is_dir():
        pytest.skip("no MakeHuman assets in ../shared/makehuman")
    path = tmp_path_factory.mktemp("assets") / "assets.safetensors"
    pack_assets(_ASSETS, BODY_FILE, path, texture_size=64)
    return load_wardrobe(path)


@pytest.fixture(scope="session")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="session")
def person(wardrobe: Wardrobe, body: BodyModel) -> Person:
    return sample_person(wardrobe, body, 7)
