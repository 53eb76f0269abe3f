from __future__ import annotations

import numpy as np
import pytest

from pifuhd_ros.geometry.bounds import bounds


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_bounds_are_those_of_every_axis(count: int) -> None:
    points = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    low, high = bounds(points)
    np.testing.assert_array_equal(low, points.min(axis=0))
    np.testing.assert_array_equal(high, points.max(axis=0))
    assert low.dtype == np.float32


def test_no_points_have_no_bounds() -> None:
    with pytest.raises(ValueError, match="zero-size"):
        bounds(np.zeros((0, 3)))
