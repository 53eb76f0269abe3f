"""A folder of people that are balls, and a Fabric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tiny import SIZE

from pifuhd_ros.training.devices import make_fabric


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of balls: one of radius 0.4 to 0.6 in the middle of each view."""
    folder = tmp_path_factory.mktemp("people")
    generator = torch.Generator().manual_seed(0)
    grid = torch.linspace(-1, 1, SIZE)
    y, x = torch.meshgrid(-grid, grid, indexing="ij")
    weights = 2 ** torch.arange(8, dtype=torch.uint8)
    placed = torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0])

    def signed(values: torch.Tensor) -> torch.Tensor:
        return ((values + 1) / 2 * 255).round().to(torch.uint8)

    for index in range(22):
        radius = 0.4 + 0.2 * float(torch.rand((), generator=generator))
        square = x**2 + y**2
        mask = square < radius**2
        z = (radius**2 - square).clamp(min=0).sqrt()
        front = torch.stack([x, y, z], -1)[mask] / radius
        back = front * torch.tensor([1.0, 1.0, -1.0])
        points = torch.rand(600, 3, generator=generator) * 1.6 - 0.8
        inside = points.norm(dim=1) < radius
        save_file(
            {
                "0/points": (points / 6e-5).round().to(torch.int16),
                "0/distance": ((points.norm(dim=1) - radius) / 6e-5).round().to(torch.int16),
                "0/inside": inside.to(torch.uint8),
                "0/0/mask": (mask.view(-1, 8) * weights).sum(1, dtype=torch.uint8),
                "0/0/colours": torch.full((len(front), 6), 200, dtype=torch.uint8),
                "0/0/normals": signed(torch.cat([front, back], 1)),
                "0/0/light": signed(torch.cat([torch.ones_like(front[:, :1]), front], 1)),
                "0/0/z": (torch.stack([z, -z], -1)[mask] * 16384).round().to(torch.int16),
                "0/0/joints": torch.zeros(22, 4),
                "0/0/placement": torch.cat([torch.eye(3).view(-1), placed]),
            },
            str(folder / f"shard-{index:05d}.safetensors"),
            metadata={"size_px": str(SIZE), "views": "1", "people": "1"},
        )
    return folder


@pytest.fixture(scope="session")
def fabric() -> Any:
    """One process on the CPU."""
    return make_fabric("cpu")
