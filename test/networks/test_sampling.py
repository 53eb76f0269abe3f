"""Where a point of the model box lands in a feature map."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.ndimage import map_coordinates

from pifuhd_ros.networks.sampling import resize_map, sample_features, shrink_image, smooth_map


def test_border_pixels_lie_at_one() -> None:
    features = torch.arange(12.0).reshape(1, 1, 3, 4)
    corners = torch.tensor([[[-1.0, 1, 0], [1, 1, 0], [-1, -1, 0], [1, -1, 0]]])
    assert sample_features(features, corners)[0, :, 0].tolist() == [0, 3, 8, 11]


def test_between_pixels_it_is_linear_and_blind_to_depth() -> None:
    size = 5
    x = torch.linspace(-1, 1, size)
    features = torch.stack(torch.meshgrid(x, -x, indexing="xy"))[None]
    points = torch.rand(1, 50, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    torch.testing.assert_close(sample_features(features, points), points[..., :2])


def test_outside_is_zero() -> None:
    assert sample_features(torch.ones(1, 2, 4, 4), torch.tensor([[[3.0, 0]]])).abs().max() == 0


def test_gradients_reach_features_and_points() -> None:
    features = torch.rand(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    points = torch.tensor([[[0.3, -0.2], [0.6, 0.1]]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(sample_features, (features, points))


def test_wrong_shapes_are_told() -> None:
    with pytest.raises(ValueError, match="expected features"):
        sample_features(torch.zeros(1, 2, 4, 4), torch.zeros(1, 5, 4))


def test_shrinking_averages_and_growing_keeps_corners() -> None:
    image = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(shrink_image(image, 2)[0, 0, 0, 1], image[0, 0, :2, 2:].mean())
    grown = resize_map(image, 9)
    torch.testing.assert_close(grown[..., ::8, ::8], image[..., ::3, ::3])
    assert resize_map(image, 4) is image
    assert shrink_image(image, 4) is image


@pytest.mark.parametrize(("side", "size"), [(9, 33), (2, 5), (1, 4)])
def test_smooth_maps_are_cubic_splines(side: int, size: int) -> None:
    image = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))

    def spline(coefficients: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
        place = np.linspace(0, side - 1, size)
        at = np.meshgrid(place, place, indexing="ij")
        return map_coordinates(coefficients, at, order=3, prefilter=False, mode="nearest")

    values = image[1, 2].double().numpy()
    expected = spline(values + (values - spline(values, side)) / 2, size)
    assert np.abs(smooth_map(image, size)[1, 2].numpy() - expected).max() < 1e-5


def test_smooth_maps_have_no_facets() -> None:
    """The slope jumps between pixels where maps are drawn up bilinearly, and not here."""
    image = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    smooth, faceted = (
        draw(image, 192)[0, 0, 40].diff().diff().abs().max() for draw in (smooth_map, resize_map)
    )
    assert smooth < 0.1 * faceted
