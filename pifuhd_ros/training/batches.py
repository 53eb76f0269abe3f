"""Batches of lit, augmented views, from wherever the people come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.nn import functional as F

from pifuhd_ros.geometry.skeleton import mirrored
from pifuhd_ros.geometry.vectors import unit
from pifuhd_ros.synthetic.dataset import Shard, ViewSample
from pifuhd_ros.synthetic.detector_joints import skeletons
from pifuhd_ros.synthetic.frame_edges import sample_frame_edges
from pifuhd_ros.synthetic.occlusion import Occlusion
from pifuhd_ros.synthetic.photograph import take_photo
from pifuhd_ros.types import AssetError

_VALIDATION_SHARE = 40
"""One shard in so many is kept for validation."""


@dataclass(frozen=True)
class Batch:
    """Views with their supervision, model space."""

    image: torch.Tensor
    """(B, 3, S, S) in [-1, 1], background black (-1)."""
    front: torch.Tensor
    """(B, 3, s, s) true normals at the coarse size, zero outside the mask."""
    back: torch.Tensor
    """(B, 3, s, s)."""
    depth: torch.Tensor
    """(B, 2, s, s) model-space z of the nearest and the farthest surface."""
    mask: torch.Tensor
    """(B, 1, s, s) in [0, 1]."""
    points: torch.Tensor
    """(B, N, 3), inside the model box."""
    inside: torch.Tensor
    """(B, N) 1 inside, 0 outside."""
    joints: torch.Tensor
    """(B, J, 4) skeletons as the detector might see them, see geometry/skeleton.py."""

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return Batch(**{k: v.to(device, non_blocking=True) for k, v in vars(self).items()})


class PeopleSource(Protocol):
    """Where views of people come from: a folder, or a generator that makes them on the fly.

    With worker processes it is copied into each of them, so it can be pickled.
    """

    def draw(
        self, count: int, size_px: int, generator: torch.Generator, with_body: bool = False
    ) -> list[ViewSample]:
        """Random views with maps of ``size_px``, on any one device.

        Which ones depends on the arguments alone: the same generator state draws the same views.

        Args:
            count: How many.
            size_px: Side of the maps.
            generator: On the CPU; of everything random.
            with_body: Whether the views need their ``body``.
        """


class People:
    """Folders of shards as a PeopleSource."""

    def __init__(self, folders: Sequence[Path], validation: bool = False) -> None:
        """Look what there is.

        Args:
            folders: Each of shards of one size of views.
            validation: The shards that are kept for validation, instead of the others.

        Raises:
            AssetError: A folder has too few shards.
        """
        self._by_size: dict[int, list[Path]] = {}
        for folder in folders:
            chosen = [
                path
                for i, path in enumerate(sorted(folder.glob("shard-*.safetensors")))
                if (i % _VALIDATION_SHARE == _VALIDATION_SHARE // 2) == validation
            ]
            if not chosen:
                raise AssetError(
                    f"{folder} has too few shards of people (training and validation need one "
                    "each); make more with: pifuhd synthesize"
                )
            self._by_size.setdefault(Shard(chosen[0]).size_px, []).extend(chosen)
        self._open: dict[Path, Shard] = {}

    def paths(self, size_px: int) -> list[Path]:
        """The shards whose views can be averaged down to this size.

        Raises:
            AssetError: There are none.
        """
        usable = [
            path for own, paths in self._by_size.items() if own % size_px == 0 for path in paths
        ]
        if not usable:
            sizes = ", ".join(map(str, self._by_size))
            raise AssetError(
                f"views of {size_px} px are needed, and the people have {sizes} px: make larger "
                "ones with: pifuhd synthesize --size"
            )
        return usable

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_open": {}}  # Open files stay in their process.

    def _shard(self, path: Path) -> Shard:
        if path not in self._open:
            self._open[path] = Shard(path)
        return self._open[path]

    def draw(
        self, count: int, size_px: int, generator: torch.Generator, with_body: bool = False
    ) -> list[ViewSample]:
        """See ``PeopleSource.draw``.

        Raises:
            AssetError: No folder's views are large enough.
        """
        paths = self.paths(size_px)
        result = []
        for _ in range(count):
            shard = self._shard(paths[int(torch.randint(len(paths), (), generator=generator))])
            person = int(torch.randint(shard.people, (), generator=generator))
            view = int(torch.randint(shard.views, (), generator=generator))
            result.append(shard.read(person, view, size_px, with_body))
        return result


def _choose_points(
    view: ViewSample, count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """``count`` of the view's points that lie in the model box."""
    usable = torch.nonzero((view.points.abs() <= 1).all(1))[:, 0]
    rows = torch.randint(len(usable), (count,), generator=generator)
    chosen = usable[rows.to(usable.device)]
    return view.points[chosen], view.inside[chosen].float()


def make_batch(
    views: list[ViewSample], coarse_size: int, points: int, generator: torch.Generator
) -> Batch:
    """Photographs views.

    Args:
        views: From PeopleSource.draw; their maps' size becomes that of the images.
        coarse_size: Side of the true normal maps [px].
        points: Of each view.
        generator: Of everything random.
    """
    device = views[0].albedo.device
    flips = (torch.rand(len(views), generator=generator) < 0.5).to(device)
    albedo = torch.stack([v.albedo for v in views])
    front = torch.stack([v.normal_front for v in views])
    back = torch.stack([v.normal_back for v in views])
    depth = torch.stack([torch.stack([v.z_front, v.z_back]) for v in views])
    mask = torch.stack([v.mask for v in views])[:, None]
    chosen = [_choose_points(v, points, generator) for v in views]
    xyz = torch.stack([c[0] for c in chosen])
    inside = torch.stack([c[1] for c in chosen])
    ambient = torch.stack([v.ambient for v in views])[:, None]
    bent = torch.stack([v.bent for v in views])
    # A mirrored person is a person.
    mirror = torch.where(flips, -1.0, 1.0)
    maps = torch.cat([albedo, front, back, bent, depth, mask, ambient], 1)
    maps = torch.where(flips[:, None, None, None], maps.flip(3), maps)
    albedo, front, back, bent, depth, mask, ambient = maps.split([3, 3, 3, 3, 2, 1, 1], 1)
    sign = torch.ones(len(views), 3, 1, 1, device=device)
    sign[:, 0, 0, 0] = mirror
    front, back, bent = front * sign, back * sign, bent * sign
    xyz = xyz * sign[:, None, :, 0, 0]
    joints = skeletons(views, generator)
    joints = torch.where(flips[:, None, None], mirrored(joints), joints)

    def shrink(image: torch.Tensor, size: int) -> torch.Tensor:
        return image if image.shape[-1] == size else F.interpolate(image, size=size, mode="area")

    photo = take_photo(albedo, front, mask, Occlusion(ambient, bent), generator)
    edges = sample_frame_edges(len(views), generator, device)
    shown = edges.shown(mask.shape[-1])
    front, back, mask = front * shown, back * shown, mask * shown
    inside = inside * edges.contain(xyz[..., 0], xyz[..., 1])
    # As the crop of a detected person looks: black where its mask says background.
    image = photo.image * photo.mask * shown * 2 - 1
    return Batch(
        image=image,
        front=unit(shrink(front, coarse_size), 1),
        back=unit(shrink(back, coarse_size), 1),
        depth=shrink(depth, coarse_size),
        mask=shrink(mask, coarse_size),
        points=xyz,
        inside=inside,
        joints=joints,
    )
