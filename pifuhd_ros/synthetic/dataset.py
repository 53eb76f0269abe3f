"""People on disk: compact shards of views and labelled points, written once, read often."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pifuhd_ros.body.model import BodyModel
from pifuhd_ros.geometry.rotations import view_rotation
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.person import Person, sample_person
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.render import Placement, View, place_person, render_views
from pifuhd_ros.synthetic.solid import sample_labels
from pifuhd_ros.synthetic.split import Split
from pifuhd_ros.synthetic.wardrobe import Wardrobe
from pifuhd_ros.types import AssetError

_POINT_STEP_M = 5e-5
"""Points are stored as int16 in these steps: 0.05 mm, up to 1.6 m from the pelvis."""
_Z_STEP = 1 / 16384
"""Depth maps are stored as int16 in these steps of the model's unit."""


@dataclass(frozen=True)
class DatasetConfig:
    """What a dataset holds of each person."""

    size_px: int = 512
    """Side of the square views."""
    views: int = 3
    """Of each person; the first faces the camera more or less."""
    points: int = 16384
    """Labelled points of each person."""
    people_per_shard: int = 8
    split: Split = "train"


@dataclass(frozen=True)
class StoredView:
    """One view as it comes back from disk, and the person's points in its model box."""

    albedo: torch.Tensor
    """(3, S, S) in [0, 1]."""
    normal_front: torch.Tensor
    """(3, S, S)."""
    normal_back: torch.Tensor
    """(3, S, S)."""
    z_front: torch.Tensor
    """(S, S) model-space z of the nearest surface."""
    z_back: torch.Tensor
    """(S, S) of the farthest."""
    mask: torch.Tensor
    """(S, S) in [0, 1]; the other maps are averaged over the person's part of each pixel."""
    points: torch.Tensor
    """(N, 3) model space."""
    inside: torch.Tensor
    """(N,) bool."""
    units_per_m: float


def sample_placements(person: Person, count: int, dice: Dice) -> list[Placement]:
    """Cameras around a person, nearly level: the first in front, the others anywhere."""
    result = []
    for i in range(count):
        half_turn = 50.0 if i == 0 else 180.0 if i == 1 else 100.0
        rotation = view_rotation(dice.uniform(-half_turn, half_turn), dice.uniform(-4, 6))
        fill = dice.uniform(0.86, 0.95)
        shift = (dice.uniform(-0.03, 0.03), dice.uniform(-0.03, 0.03))
        result.append(place_person(person, rotation.to(person.vertices.device), fill, shift))
    return result


def _bits(mask: torch.Tensor) -> torch.Tensor:
    weights = 2 ** torch.arange(8, dtype=torch.uint8, device=mask.device)
    return (mask.view(-1, 8).to(torch.uint8) * weights).sum(1, dtype=torch.uint8)


def _unbits(bits: torch.Tensor, size: int) -> torch.Tensor:
    weights = 2 ** torch.arange(8, dtype=torch.uint8)
    return ((bits[:, None] & weights) > 0).view(size, size)


def _pack_view(view: View) -> dict[str, torch.Tensor]:
    def bytes_of(image: torch.Tensor, low: float) -> torch.Tensor:
        values = image[:, view.mask].T
        return ((values - low) / (1 - low) * 255).round().to(torch.uint8)

    return {
        "mask": _bits(view.mask),
        "albedo": bytes_of(view.albedo, 0.0),
        "front": bytes_of(view.normal_front, -1.0),
        "back": bytes_of(view.normal_back, -1.0),
        "z": (torch.stack([view.z_front, view.z_back], -1)[view.mask] / _Z_STEP)
        .round()
        .clamp(-32767, 32767)
        .to(torch.int16),
        "rotation": view.placement.rotation,
        "centre": view.placement.centre_m,
        "scale": torch.tensor(view.placement.scale),
    }


def write_shard(
    path: Path, wardrobe: Wardrobe, body: BodyModel, config: DatasetConfig, first_seed: int
) -> None:
    """Makes the people with seeds first_seed … and writes them, whole or not at all."""
    tensors: dict[str, torch.Tensor] = {}
    for i in range(config.people_per_shard):
        seed = first_seed + i
        person = sample_person(wardrobe, body, seed, config.split)
        placements = sample_placements(person, config.views, Dice(seed + 1_000_003))
        labels = sample_labels(person, config.points, seed)
        steps = (labels.points / _POINT_STEP_M).round().clamp(-32767, 32767)
        tensors[f"{i}/points"] = steps.to(torch.int16)
        tensors[f"{i}/inside"] = labels.inside.to(torch.uint8)
        for j, view in enumerate(render_views(person, placements, config.size_px)):
            tensors.update({f"{i}/{j}/{k}": v for k, v in _pack_view(view).items()})
    tensors = {k: v.contiguous().cpu() for k, v in tensors.items()}
    partial = path.with_suffix(".partial")
    save_file(
        tensors,
        str(partial),
        metadata={
            "size_px": str(config.size_px),
            "views": str(config.views),
            "people": str(config.people_per_shard),
            "split": config.split,
            "first_seed": str(first_seed),
        },
    )
    os.replace(partial, path)


def shard_path(folder: Path, index: int) -> Path:
    """Where a shard lies."""
    return folder / f"shard-{index:05d}.safetensors"


class Shard:
    """An opened shard; views are read and unpacked one by one."""

    def __init__(self, path: Path) -> None:
        self._file = safe_open(str(path), "pt")
        metadata = self._file.metadata() or {}
        if not {"size_px", "views", "people"} <= metadata.keys():
            raise AssetError(f"{path} is not a shard of people; make one with: pifuhd synthesize")
        self.size_px = int(metadata["size_px"])
        self.views = int(metadata["views"])
        self.people = int(metadata["people"])

    def read(self, person: int, view: int, size_px: int | None = None) -> StoredView:
        """One view of one person of this shard, averaged down to ``size_px`` where it is given."""

        def get(name: str) -> torch.Tensor:
            value: torch.Tensor = self._file.get_tensor(f"{person}/{view}/{name}")
            return value

        size = self.size_px
        mask = _unbits(get("mask"), size)

        rows = torch.cat([get("albedo"), get("front"), get("back")], 1).float().div_(255)
        rows[:, 3:].mul_(2).sub_(1)
        rows = torch.cat([rows, get("z").float() * _Z_STEP], 1)
        maps = torch.zeros(12, size * size)
        maps[:11, mask.view(-1)] = rows.T
        maps[11] = mask.view(-1)
        maps = maps.view(12, size, size)
        if size_px is not None and size_px != size:
            maps = torch.nn.functional.avg_pool2d(maps, size // size_px)
            maps[:11] /= maps[11].clamp(min=1e-3)

        placement = Placement(get("rotation"), get("centre"), float(get("scale")))
        points = self._file.get_tensor(f"{person}/points").float() * _POINT_STEP_M
        return StoredView(
            albedo=maps[:3],
            normal_front=unit(maps[3:6], 0),
            normal_back=unit(maps[6:9], 0),
            z_front=maps[9],
            z_back=maps[10],
            mask=maps[11],
            points=placement.to_model(points),
            inside=self._file.get_tensor(f"{person}/inside").bool(),
            units_per_m=placement.scale,
        )
