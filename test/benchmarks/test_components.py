from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pifuhd_ros.stages.surface import extract_surface

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


def test_a_thin_sheet_between_two_layers_of_the_first_grid_is_found_whole() -> None:
    from components import dense_surface, extraction_components
    from person_shape import ThinSheet

    figures = extraction_components([ThinSheet(CPU)], 128).figures
    assert (figures["parts"], figures["lost"]) == (1, 0)
    sheet = dense_surface(ThinSheet(CPU), 128)
    assert len(extract_surface(ThinSheet(CPU), 128).mesh.faces) == len(sheet.faces)


def test_a_part_is_found_though_the_last_bits_of_its_vertices_differ() -> None:
    from components import compare_parts, dense_surface
    from person_shape import CapsulePerson

    dense = dense_surface(CapsulePerson(CPU), 64)
    nearly = replace(dense, vertices=np.nextafter(dense.vertices, np.float32(2)))
    assert compare_parts(dense, nearly, 64).lost == 0


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
