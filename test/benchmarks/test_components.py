from __future__ import annotations

from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def benchmarks_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_small_separate_parts_are_found() -> None:
    """Balls thinner than the cells that the search starts from, where the occupancy is flat."""
    from components import extraction_components
    from person_shape import HARD_SHAPES, CapsulePerson

    case = extraction_components([CapsulePerson(CPU, HARD_SHAPES["separate parts"])], 128)
    assert case.figures["parts"] == 4
    assert case.figures["lost"] == 0
    assert case.figures["of_grid_percent"] < 3


def test_a_lost_part_is_counted_and_measured() -> None:
    from components import compare_parts, dense_surface
    from person_shape import CapsulePerson

    ball = ((0.0, 0.0, 0.0), (0.0, 0.01, 0.0), 0.3)
    small = ((0.7, 0.7, 0.7), (0.7, 0.71, 0.7), 0.1)
    whole, without = (
        dense_surface(CapsulePerson(CPU, capsules), 64) for capsules in ((ball, small), (ball,))
    )
    parts = compare_parts(whole, without, 64)
    assert (parts.dense, parts.lost) == (2, 1)
    assert parts.largest_lost_cells == pytest.approx(0.21 * 32, abs=1)
    assert compare_parts(whole, whole, 64).lost == 0


def test_a_field_that_seems_empty_has_lost_all_its_parts() -> None:
    from components import extraction_components
    from person_shape import CapsulePerson

    hidden = ((0.51, 0.52, 0.53), (0.511, 0.52, 0.53), 0.02)
    figures = extraction_components([CapsulePerson(CPU, (hidden,))], 32).figures
    assert figures["parts"] == figures["lost"]
