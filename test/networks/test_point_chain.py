"""The chain of both levels against the MLPs themselves."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from small_pifuhd import SMALL_HOURGLASS, SMALL_UNET, small_network

from pifuhd_ros.networks.pifuhd import LITE, PifuhdConfig, PifuhdNetwork
from pifuhd_ros.networks.point_chain import PointChain, chain_of
from pifuhd_ros.networks.point_mlp import PointMlp, PointMlpConfig

PHI_FIRST = dataclasses.replace(
    SMALL_UNET,
    coarse_mlp=PointMlpConfig(channels=(7, 16, 8, 1), skips=(1,), phi_layer=0),
    fine_mlp=PointMlpConfig(channels=(21, 16, 8, 1), skips=(1,)),
)
CONFIGS = pytest.mark.parametrize(
    "config",
    [SMALL_HOURGLASS, SMALL_UNET, LITE, PHI_FIRST],
    ids=["hourglass", "unet", "lite", "phi"],
)


def columns(config: PifuhdConfig) -> tuple[torch.Tensor, ...]:
    """Coarse and fine features of 9 columns; column and z of 150 points."""
    generator = torch.Generator().manual_seed(5)
    return (
        torch.randn(9, config.coarse_filter.out_channels, generator=generator),
        torch.randn(9, config.fine_filter.out_channels, generator=generator),
        torch.randint(9, (150,), generator=generator),
        torch.randn(150, generator=generator) * 0.3,
    )


def chain(network: PifuhdNetwork, dtype: torch.dtype = torch.float32) -> PointChain:
    return chain_of(network.netG.mlp, network.mlp, network.config.depth_scale, dtype)


@torch.no_grad()
def plain(network: PifuhdNetwork) -> torch.Tensor:
    """Logits by the MLPs' own forward."""
    coarse, fine, column, z = columns(network.config)
    depth = z[:, None] * network.config.depth_scale
    _, phi = network.netG.mlp(torch.cat([coarse[column], depth], 1)[None])
    logits, _ = network.mlp(torch.cat([fine[column], phi[0]], 1)[None])
    return logits[0]


@CONFIGS
def test_equals_the_mlps(config: PifuhdConfig) -> None:
    network = small_network(config)
    coarse, fine, column, z = columns(config)
    own = chain(network)
    got = own.logits(own.column_terms(coarse, fine), column, z)
    torch.testing.assert_close(got, plain(network), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)], ids=str
)
def test_half_precision_is_near(dtype: torch.dtype, most: float) -> None:
    network = small_network(SMALL_UNET)
    coarse, fine, column, z = columns(SMALL_UNET)
    half = chain(network, dtype)
    terms = half.column_terms(coarse, fine)
    assert terms.dtype == dtype
    error = (half.logits(terms, column, z) - plain(network)).abs().max()
    assert 0 < error < most


def test_inputs_are_left_alone() -> None:
    coarse, fine, column, z = inputs = columns(SMALL_UNET)
    before = [tensor.clone() for tensor in inputs]
    own = chain(small_network(SMALL_UNET))
    terms = own.column_terms(coarse, fine)
    kept = terms.clone()
    own.logits(terms, column, z)
    assert torch.equal(terms, kept)
    for tensor, copy in zip(inputs, before, strict=True):
        assert torch.equal(tensor, copy)


def test_a_coarse_level_without_phi_is_refused() -> None:
    mlp = PointMlp(PointMlpConfig(channels=(4, 3, 1), skips=()))
    with pytest.raises(ValueError, match="no phi"):
        chain_of(mlp, mlp, 1.0)
