"""The MLP against plain matrix products, layer by layer."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from pifuhd_ros.networks.point_mlp import PointMlp, PointMlpConfig

CONFIG = PointMlpConfig(channels=(6, 9, 7, 5, 1), skips=(1, 3), phi_layer=1)


def mlp() -> PointMlp:
    torch.manual_seed(3)
    return PointMlp(CONFIG)


def test_equals_concatenated_layers() -> None:
    network, features = mlp(), torch.randn(2, 11, 6)
    y, phi = features, None
    for i, layer in enumerate(network.filters):
        x = torch.cat([y, features], 2) if i in CONFIG.skips else y
        y = layer(x.transpose(1, 2)).transpose(1, 2)
        if i < 3:
            y = F.leaky_relu(y)
        if i == CONFIG.phi_layer:
            phi = y
    logits, got_phi = network(features)
    torch.testing.assert_close(logits, y[..., 0])
    torch.testing.assert_close(got_phi, phi)


def test_without_phi_layer_phi_is_empty() -> None:
    network = PointMlp(PointMlpConfig(channels=(4, 3, 1), skips=()))
    assert network(torch.zeros(1, 2, 4))[1].shape == (1, 2, 0)


@pytest.mark.parametrize(
    ("channels", "skips", "phi_layer"),
    [
        ((4, 3), (), None),
        ((4,), (), None),
        ((4, 0, 1), (), None),
        ((4, 3, 1), (0,), None),
        ((4, 3, 1), (2,), None),
        ((4, 3, 1), (), 1),
        ((4, *[3] * 20, 1), (), None),
    ],
)
def test_impossible_sizes(
    channels: tuple[int, ...], skips: tuple[int, ...], phi_layer: int | None
) -> None:
    with pytest.raises(ValueError, match=r"channels|skips|phi_layer"):
        PointMlpConfig(channels, skips, phi_layer)


def test_wrong_shapes_are_told() -> None:
    with pytest.raises(ValueError, match=r"expected \(B, N, 6\), got \(2, 6\)"):
        mlp()(torch.zeros(2, 6))
