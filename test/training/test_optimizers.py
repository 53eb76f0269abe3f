"""Tests of the optimisers."""

from __future__ import annotations

from dataclasses import replace

import torch
from tiny import STAGE
from torch import nn

from pifuhd_ros.training.optimizers import Muon, optimizers_for, orthogonal, set_rates


def test_an_orthogonal_step_has_singular_values_near_one() -> None:
    values = torch.linspace(0.01, 3, 12)
    u, _ = torch.linalg.qr(torch.randn(40, 12, generator=torch.Generator().manual_seed(0)))
    v, _ = torch.linalg.qr(torch.randn(12, 12, generator=torch.Generator().manual_seed(1)))
    for matrix in (u * values @ v, (u * values @ v).T):
        found = torch.linalg.svdvals(orthogonal(matrix))
        assert found.max() < 1.3
        assert found[values.flip(0) > 0.1].min() > 0.6
    aligned = (orthogonal(u * values @ v) * (u @ v)).sum() / 12
    assert aligned > 0.6


def test_hidden_convolutions_go_to_muon_and_the_rest_to_adamw() -> None:
    network = nn.ModuleDict(
        {"stem": nn.Conv2d(3, 8, 3), "block": nn.Conv2d(8, 8, 3), "head": nn.Conv2d(8, 2, 1)}
    )
    learning = dict(network.named_parameters())
    adamw, muon = optimizers_for(learning, replace(STAGE, learning_rate=0.5, muon_rate=0.25))
    assert isinstance(muon, Muon)
    assert [id(p) for p in muon.param_groups[0]["params"]] == [id(learning["block.weight"])]
    assert len(adamw.param_groups[0]["params"]) == 5
    set_rates([adamw, muon], 0.5)
    assert (adamw.param_groups[0]["lr"], muon.param_groups[0]["lr"]) == (0.25, 0.125)


def test_muon_goes_down_whatever_the_layout_in_memory() -> None:
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        layer = nn.Conv2d(6, 10, 3, bias=False).to(memory_format=layout)
        image = torch.randn(2, 6, 8, 8)
        optimizer = Muon(list(layer.parameters()), lr=0.02)
        before = layer(image).square().mean()
        for _ in range(20):
            optimizer.zero_grad()
            layer(image).square().mean().backward()
            optimizer.step()
        results.append(layer.weight.detach().contiguous())
        assert layer(image).square().mean() < 0.3 * before
    assert torch.allclose(*results, atol=0.02)
