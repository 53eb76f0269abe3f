from __future__ import annotations

import torch

from pifuhd_ros.synthetic.noise import smooth_noise, uniform, white_noise

CPU = torch.device("cpu")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_uniform_numbers_fill_their_range() -> None:
    numbers = uniform(generator(), -2, 3, 10_000, device=CPU)
    assert -2 <= float(numbers.min()) < -1.9
    assert 2.9 < float(numbers.max()) < 3


def test_white_noise_follows_its_seed_and_moves_the_generator_on() -> None:
    source = generator()
    first, second = (white_noise((2, 3, 64, 64), source, CPU) for _ in range(2))
    assert torch.equal(first, white_noise((2, 3, 64, 64), generator(), CPU))
    assert not torch.equal(first, second)
    assert abs(float(first.std()) - 1) < 0.02


def test_smooth_noise_is_alike_within_a_cell_and_not_across_many() -> None:
    noise = smooth_noise(200, 1, 64, 8, generator(), CPU)
    value = noise[:, 0, 16, 16]
    assert float((value * noise[:, 0, 16, 17]).mean()) > 0.8 * float(value.square().mean())
    assert abs(float((value * noise[:, 0, 16, 48]).mean())) < 0.25
