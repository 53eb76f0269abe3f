"""Weights in eight bits."""

from __future__ import annotations

import pytest
import torch

from pifuhd_ros.networks.eight_bit import from_eight_bits, to_eight_bits
from pifuhd_ros.types.errors import WeightsError


def _matrix() -> torch.Tensor:
    rows = torch.randn(64, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    return rows * torch.logspace(-6, 3, 64)[:, None, None, None]


def test_each_row_is_as_exact_as_its_own_largest_value_allows() -> None:
    given = _matrix()
    written = to_eight_bits({"a": given})
    assert written["a"].dtype == torch.int8
    assert written["a"].flatten(1).abs().amax(1).eq(127).all()
    read = from_eight_bits(written)["a"]
    error = (read - given).flatten(1).abs().amax(1)
    assert (error <= 0.501 / 127 * given.flatten(1).abs().amax(1)).all()
    assert error.gt(0).all()


def test_what_is_read_and_written_again_stays_the_same() -> None:
    once = to_eight_bits({"a": _matrix()})
    again = to_eight_bits(from_eight_bits(once))
    assert once.keys() == again.keys()
    assert all(torch.equal(once[name], again[name]) for name in once)


def test_small_tensors_and_vectors_keep_sixteen_bits() -> None:
    tensors = {"bias": torch.rand(5000), "small": torch.rand(40, 40)}
    written = to_eight_bits(tensors)
    assert {name: value.dtype for name, value in written.items()} == {
        "bias": torch.float16,
        "small": torch.float16,
    }


def test_a_row_of_zeros_stays_zero() -> None:
    given = _matrix()
    given[3] = 0
    read = from_eight_bits(to_eight_bits({"a": given}))["a"]
    assert torch.equal(read[3], given[3])
    assert read.isfinite().all()


@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_what_is_not_finite_shows(bad: float) -> None:
    given = _matrix()
    given[1, 0, 0, 0] = bad
    assert not to_eight_bits({"a": given})["a/step"].isfinite().all()


@pytest.mark.parametrize(
    "matrix", [None, torch.zeros(64, 72, dtype=torch.int8), torch.zeros(63, 72)],
    ids=["missing", "rows", "dtype"],
)  # fmt: skip
def test_steps_that_fit_no_matrix_are_refused(matrix: torch.Tensor | None) -> None:
    tensors = {"a/step": torch.ones(63 if matrix is not None and len(matrix) == 63 else 65)}
    if matrix is not None:
        tensors["a"] = matrix
    with pytest.raises(WeightsError, match="a/step fits no matrix"):
        from_eight_bits(tensors)
