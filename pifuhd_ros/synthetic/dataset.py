"""People on disk: compact shards of views and labelled points, written once, read often.

A shard is one safetensors file. ``{i}/…`` belongs to person i, ``{i}/{j}/…`` to its view j:

- ``{i}/points`` (N, 3) int16 person space in steps of 0.06 mm; ``{i}/distance`` (N,) int16 signed
  distance in the same steps, negative inside; ``{i}/inside`` (N,) uint8; ``{i}/stature`` metres.
- ``{i}/{j}/mask`` and ``body_mask``: one bit a pixel, rows from the top, lowest bit first. The maps
  hold only the mask's pixels, in that order: ``colours`` (M, 6) uint8 albedo of front and back,
  ``normals`` (M, 6) uint8 of front and back, -1 … 1; ``z`` (M, 2) int16 of front and back in steps
  of 1/16384 model unit; ``light`` (M, 4) uint8 ambient occlusion and bent normal; ``body`` (K, 6)
  uint8 front and back normals of the body without clothes, in the pixels of ``body_mask``.
- ``{i}/{j}/joints`` (J, 4) model space and 1 where visible; ``placement`` (14,): rotation, centre
  [m], scale, inverse distance (see Placement).

The metadata names size_px, views, people, split and first_seed. What the detector saw in the views
lies beside the shard, see detected_views.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn import functional as F

from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.detected_views import Detections
from pifuhd_ros.synthetic.placement import Placement
from pifuhd_ros.synthetic.synthesis import Supervision
from pifuhd_ros.types import AssetError

_POINT_STEP_M = 6e-5
_Z_STEP = 1 / 16384


@dataclass(frozen=True)
class BodyView:
    """What a view says of the body inside the clothes, and of its unseen side."""

    albedo_back: torch.Tensor
    """(3, S, S) in [0, 1]."""
    normal_front: torch.Tensor
    """(3, S, S) of the body without clothes, zero where it is not."""
    normal_back: torch.Tensor
    """(3, S, S)."""


@dataclass(frozen=True)
class ViewSample:
    """One view of one person with its supervision, model space."""

    albedo: torch.Tensor
    """(3, S, S) in [0, 1]."""
    normal_front: torch.Tensor
    """(3, S, S)."""
    normal_back: torch.Tensor
    """(3, S, S)."""
    z_front: torch.Tensor
    """(S, S) z of the nearest surface."""
    z_back: torch.Tensor
    """(S, S) of the farthest."""
    mask: torch.Tensor
    """(S, S) in [0, 1]; the other maps are averaged over the person's part of each pixel."""
    ambient: torch.Tensor
    """(S, S), see Occlusion."""
    bent: torch.Tensor
    """(3, S, S), see Occlusion."""
    points: torch.Tensor
    """(N, 3)."""
    inside: torch.Tensor
    """(N,) bool."""
    signed_distance: torch.Tensor
    """(N,) metres, negative inside."""
    joints: torch.Tensor
    """(J, 3) model space, named by the body; NaN where they are not known."""
    joints_visible: torch.Tensor
    """(J,) bool."""
    placement: Placement
    body: BodyView | None
    """Only where it is asked for."""
    detected: torch.Tensor | None = None
    """(19, 4) the skeleton as detected, see detected_views.py; None where nobody has looked."""


def _bits(mask: torch.Tensor) -> torch.Tensor:
    weights = 2 ** torch.arange(8, dtype=torch.uint8, device=mask.device)
    return (mask.reshape(-1, 8).to(torch.uint8) * weights).sum(1, dtype=torch.uint8)


def _unbits(bits: torch.Tensor, size: int) -> torch.Tensor:
    weights = 2 ** torch.arange(8, dtype=torch.uint8)
    return ((bits[:, None] & weights) > 0).view(size, size)


def _bytes(maps: list[torch.Tensor], mask: torch.Tensor, low: float) -> torch.Tensor:
    """(M, C) uint8 of maps (c, S, S) with values from ``low`` to one."""
    values = torch.cat([image[:, mask] for image in maps]).T
    return ((values - low) / (1 - low) * 255).round().clamp(0, 255).to(torch.uint8)


def _steps(values: torch.Tensor, step: float) -> torch.Tensor:
    return (values / step).round().clamp(-32767, 32767).to(torch.int16)


def _placement_row(placement: Placement) -> torch.Tensor:
    last = [placement.scale, placement.inverse_distance]
    return torch.cat(
        [placement.rotation.reshape(-1), placement.centre_m, placement.centre_m.new_tensor(last)]
    )


def _placement(row: torch.Tensor) -> Placement:
    return Placement(row[:9].view(3, 3), row[9:12], float(row[12]), float(row[13]))


def _pack_view(made: Supervision, i: int) -> dict[str, torch.Tensor]:
    views, mask = made.views, made.views.mask[i]
    skin = views.body_front[i].abs().sum(0) > 0
    z = torch.stack([views.z_front[i], views.z_back[i]], -1)
    light = [made.occlusion.ambient[i] * 2 - 1, made.occlusion.bent[i]]
    visible = views.joints_visible[i].float()[:, None]
    return {
        "mask": _bits(mask),
        "body_mask": _bits(skin),
        "colours": _bytes([views.albedo[i], views.albedo_back[i]], mask, 0.0),
        "normals": _bytes([views.normal_front[i], views.normal_back[i]], mask, -1.0),
        "z": _steps(z[mask], _Z_STEP),
        "light": _bytes(light, mask, -1.0),
        "body": _bytes([views.body_front[i], views.body_back[i]], skin, -1.0),
        "joints": torch.cat([views.joints[i], visible], 1),
        "placement": _placement_row(views.placements[i]),
    }


def write_shard(path: Path, made: Supervision, metadata: Mapping[str, str]) -> None:
    """Writes people, whole or not at all.

    Args:
        path: Of the shard.
        made: The people; every one has equally many views.
        metadata: What else the file says of itself.
    """
    people = len(made.stature_m)
    views = len(made.views) // people
    tensors: dict[str, torch.Tensor] = {}
    for i in range(people):
        tensors[f"{i}/points"] = _steps(made.samples.points[i], _POINT_STEP_M)
        tensors[f"{i}/distance"] = _steps(made.samples.signed_distance[i], _POINT_STEP_M)
        tensors[f"{i}/inside"] = made.samples.inside[i].to(torch.uint8)
        tensors[f"{i}/stature"] = made.stature_m[i]
        for j in range(views):
            packed = _pack_view(made, i * views + j)
            tensors.update({f"{i}/{j}/{name}": value for name, value in packed.items()})
    own = {
        "size_px": str(made.views.mask.shape[-1]),
        "views": str(views),
        "people": str(people),
    }
    partial = path.with_suffix(".partial")
    save_file(
        {name: value.contiguous().cpu() for name, value in tensors.items()},
        str(partial),
        metadata={**metadata, **own},
    )
    os.replace(partial, path)


def shard_path(folder: Path, index: int) -> Path:
    """Where a shard lies."""
    return folder / f"shard-{index:05d}.safetensors"


def _unpack(rows: torch.Tensor, mask: torch.Tensor, size_px: int) -> torch.Tensor:
    """Maps (C + 1, s, s) of values (M, C) in the pixels of the mask, and the mask itself."""
    size = mask.shape[-1]
    maps = torch.zeros(rows.shape[1] + 1, size * size)
    maps[:-1, mask.view(-1)] = rows.T
    maps[-1] = mask.view(-1)
    maps = maps.view(-1, size, size)
    if size_px != size:
        maps = F.avg_pool2d(maps, size // size_px)
        maps[:-1] /= maps[-1].clamp(min=1e-3)
    return maps


class Shard:
    """An opened shard; views are read and unpacked one by one."""

    def __init__(self, path: Path) -> None:
        """Raises AssetError where the file is not a shard of people."""
        self._file = safe_open(str(path), "pt")
        self._detections = Detections(path)
        metadata = self._file.metadata() or {}
        if not {"size_px", "views", "people"} <= metadata.keys():
            raise AssetError(f"{path} is not a shard of people; make one with: pifuhd synthesize")
        self.size_px = int(metadata["size_px"])
        self.views = int(metadata["views"])
        self.people = int(metadata["people"])

    def _get(self, name: str) -> torch.Tensor:
        value: torch.Tensor = self._file.get_tensor(name)
        return value

    def read(
        self, person: int, view: int, size_px: int | None = None, with_body: bool = False
    ) -> ViewSample:
        """One view of one person of this shard.

        Args:
            person: Number in the shard.
            view: Of the person.
            size_px: Averages the maps down to this size, which divides the stored one.
            with_body: Reads ``body`` as well.
        """
        prefix = f"{person}/{view}/"
        size = size_px or self.size_px
        if self.size_px % size:
            raise AssetError(f"views of {self.size_px} px cannot be averaged down to {size} px")
        mask = _unbits(self._get(prefix + "mask"), self.size_px)
        colours = self._get(prefix + "colours")
        signed = torch.cat([self._get(prefix + "normals"), self._get(prefix + "light")], 1)
        rows = [signed.float() / 127.5 - 1, self._get(prefix + "z").float() * _Z_STEP]
        rows.append((colours if with_body else colours[:, :3]).float() / 255)
        maps = _unpack(torch.cat(rows, 1), mask, size)
        placement = _placement(self._get(prefix + "placement"))
        points = self._get(f"{person}/points").float() * _POINT_STEP_M
        joints = self._get(prefix + "joints")
        return ViewSample(
            albedo=maps[12:15],
            normal_front=unit(maps[:3], 0),
            normal_back=unit(maps[3:6], 0),
            z_front=maps[10],
            z_back=maps[11],
            mask=maps[-1],
            ambient=(maps[6] + 1) / 2,
            bent=unit(maps[7:10], 0),
            points=placement.to_model(points),
            inside=self._get(f"{person}/inside").bool(),
            signed_distance=self._get(f"{person}/distance").float() * _POINT_STEP_M,
            joints=joints[:, :3],
            joints_visible=joints[:, 3] > 0.5,
            placement=placement,
            body=self._body(prefix, maps[15:18], size) if with_body else None,
            detected=self._detections.joints(f"{person}/{view}"),
        )

    def _body(self, prefix: str, albedo_back: torch.Tensor, size: int) -> BodyView:
        mask = _unbits(self._get(prefix + "body_mask"), self.size_px)
        maps = _unpack(self._get(prefix + "body").float() / 127.5 - 1, mask, size)
        return BodyView(
            albedo_back=albedo_back,
            normal_front=unit(maps[:3], 0),
            normal_back=unit(maps[3:6], 0),
        )


def view_samples(made: Supervision) -> list[ViewSample]:
    """The same from memory: every view as if it had been written and read."""
    views, samples = made.views, made.samples
    return [
        ViewSample(
            albedo=views.albedo[i],
            normal_front=views.normal_front[i],
            normal_back=views.normal_back[i],
            z_front=views.z_front[i],
            z_back=views.z_back[i],
            mask=views.mask[i].float(),
            ambient=made.occlusion.ambient[i, 0],
            bent=made.occlusion.bent[i],
            points=placement.to_model(samples.points[who]),
            inside=samples.inside[who],
            signed_distance=samples.signed_distance[who],
            joints=views.joints[i],
            joints_visible=views.joints_visible[i],
            placement=placement,
            body=BodyView(views.albedo_back[i], views.body_front[i], views.body_back[i]),
        )
        for i, (who, placement) in enumerate(zip(views.person, views.placements, strict=True))
    ]
