"""People to test, where MakeHuman's assets are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pifuhd_ros.body.model import BodyModel, load_body
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.person import sample_people
from pifuhd_ros.synthetic.wardrobe import Wardrobe, load_wardrobe

SEEDS = (3, 7, 8)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As the workers of ``pifuhd synthesize`` run: more threads make these small tensors slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def wardrobe(packed_assets_file: Path) -> Wardrobe:
    return load_wardrobe(packed_assets_file)


@pytest.fixture(scope="session")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="session")
def people(wardrobe: Wardrobe, body: BodyModel) -> People:
    """The people of ``SEEDS``."""
    return sample_people(wardrobe, body, SEEDS)
