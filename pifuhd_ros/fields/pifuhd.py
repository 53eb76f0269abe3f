"""PIFuHD: a crop of a person to normal maps and an occupancy field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from pifuhd_ros.fields.engine import PifuhdEngine
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.host_copy import copy_to_host
from pifuhd_ros.networks.sampling import resize_map, sample_features
from pifuhd_ros.types.crop import PersonCrop
from pifuhd_ros.types.normals import NormalMaps
from pifuhd_ros.types.progress import OnProgress

# Points that are evaluated at once: the layers' outputs stay in a CPU's caches, and a GPU is busy.
_CPU_CHUNK = 2048
_GPU_CHUNK = 131072
_MASK_REACH_PX = 2
"""Normals go on so far beyond the mask. The detector's outline is off by two pixels of 512 (see
synthetic/detector_mask.py), and where it lies inside the person, the networks know the normals:
without this the error over the true silhouette is 0.7 degrees larger (12 held-out people)."""


def encode_pifuhd(
    engine: PifuhdEngine, crop: PersonCrop, on_progress: OnProgress | None = None
) -> tuple[NormalMaps, PifuhdField]:
    """Estimate normal maps and encode the crop's image features.

    Args:
        engine: does the work, on its device.
        crop: of side ``engine.network.config.fine_size``.
        on_progress: called as each of the stages "normals", "coarse features" and "fine features"
            begins, with the fraction of this function's work that is done.

    Returns:
        The normal maps, on the host, and the field, on the engine's device.

    Raises:
        ValueError: the crop is of another side.
        WeightsError: the engine's precision cannot hold the features.

    Source: Saito et al., PIFuHD, CVPR 2020, section 3.
    """
    size = engine.network.config.fine_size
    if tuple(crop.image.shape) != (3, size, size):
        raise ValueError(f"expected a crop (3, {size}, {size}), got {tuple(crop.image.shape)}")
    report = on_progress or _ignore
    with torch.no_grad():
        image = crop.image.to(engine.device, torch.float32)[None] * 2 - 1
        report("normals", 0.0)
        front, back = engine.normals(image)
        report("coarse features", 0.3)
        (coarse,) = engine.coarse(image, front, back, _joints(crop, engine.device))
        report("fine features", 0.65)
        (fine,) = engine.fine(image, front, back)
        engine.check_finite(fine)
        normals = NormalMaps(*copy_to_host(*_crop_normals((front, back), crop)))
        coarse = engine.network.draw_coarse(coarse.to(torch.float32))
    return normals, PifuhdField(engine, coarse, fine.to(torch.float32))


@dataclass(frozen=True)
class PifuhdField:
    """Occupancy in [0, 1] of one person; the surface lies at 0.5.

    As published, points outside x, y ∈ [-1, 1] are empty; z is not bounded by the fine level.
    """

    engine: PifuhdEngine
    coarse_features: torch.Tensor
    """(1, C, h, w) float32 from draw_coarse."""
    fine_features: torch.Tensor
    """(1, C, h, w) float32 from encode_fine."""

    @property
    def level(self) -> float:
        """Occupancy on the surface."""
        return 0.5

    @property
    def inside_is_above(self) -> bool:
        """Occupancy grows inwards."""
        return True

    @property
    def device(self) -> torch.device:
        """Where query expects its points."""
        return self.fine_features.device

    @torch.no_grad()
    def query(self, points: torch.Tensor) -> torch.Tensor:
        """Occupancy (N,) float32 at points (N, 3) float32 in model space.

        Points of one column (equal x and y) that follow each other see the same image features:
        what depends on these alone is computed once, which on a grid saves a quarter of the
        arithmetic.
        """
        if points.dim() != 2 or points.shape[1] != 3:
            raise ValueError(f"expected points (N, 3), got {tuple(points.shape)}")
        if points.device != self.device:
            raise ValueError(f"expected points on {self.device}, got {points.device}")
        chunk = _CPU_CHUNK if self.device.type == "cpu" else _GPU_CHUNK
        parts = points.to(torch.float32).split(chunk)
        occupancy = torch.cat([self._occupancy(part) for part in parts])
        inside = (points[:, :2].abs() <= 1).all(1)
        return torch.where(inside, occupancy, torch.zeros_like(occupancy))

    def _occupancy(self, points: torch.Tensor) -> torch.Tensor:
        columns, column = _columns(points)
        coarse = sample_features(self.coarse_features, columns[None])[0]
        fine = sample_features(self.fine_features, columns[None])[0]
        terms = self.engine.chain.column_terms(coarse, fine)
        return torch.sigmoid(self.engine.logits(terms, column, points[:, 2]))


def _joints(crop: PersonCrop, device: torch.device) -> torch.Tensor:
    """The crop's skeleton as a batch of one, zero where there is none."""
    joints = torch.zeros(len(JOINTS), 4) if crop.joints is None else crop.joints
    return joints.to(device, torch.float32)[None]


def _columns(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Runs of equal (x, y) in points (N, 3): columns (M, 2), and each point's column (N,) int64."""
    bits = torch.stack((points[:, 0], points[:, 1]), 1).view(torch.int64)[:, 0]
    runs, column = torch.unique_consecutive(bits, return_inverse=True)
    return runs.view(torch.float32).view(-1, 2), column


def _crop_normals(maps: Sequence[torch.Tensor], crop: PersonCrop) -> list[torch.Tensor]:
    """Unit normals (3, S, S) of each map in the crop's pixels, zero well outside the mask."""
    mask = (crop.mask > 0.5).to(maps[0].device)[None].float()
    near = F.max_pool2d(mask, 2 * _MASK_REACH_PX + 1, stride=1, padding=_MASK_REACH_PX)[0]
    sized = [resize_map(normals.float(), crop.image.shape[-1])[0] for normals in maps]
    return [F.normalize(normals, dim=0, eps=1e-6) * near for normals in sized]


def _ignore(stage: str, fraction: float) -> None:
    """No one listens."""
