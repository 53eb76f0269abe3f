from __future__ import annotations

import torch

from pifuhd_ros.synthetic.background import sample_backgrounds


def test_backgrounds_are_not_flat_and_not_alike() -> None:
    images = sample_backgrounds(24, 96, torch.Generator().manual_seed(0))
    assert images.shape == (24, 3, 96, 96)
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1
    contrast = images.std((2, 3)).mean(1)
    assert float((contrast > 0.05).float().mean()) > 0.7
    means = images.mean((1, 2, 3))
    assert float(means.std()) > 0.08
    assert 0.25 < float(means.mean()) < 0.75


def test_the_same_seed_gives_the_same_backgrounds() -> None:
    first, second, other = (
        sample_backgrounds(2, 40, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
