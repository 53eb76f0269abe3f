"""People to test, where MakeHuman's assets are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pifuhd_ros.body.model import BodyModel, load_body
from pifuhd_ros.synthetic.person import Person, sample_person
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe


@pytest.fixture(scope="session")
def wardrobe(packed_assets_file: Path) -> Wardrobe:
    return load_wardrobe(packed_assets_file)


@pytest.fixture(scope="session")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="session")
def person(wardrobe: Wardrobe, body: BodyModel) -> Person:
    return sample_person(wardrobe, body, 7)
