"""What a network makes of a few validation people, as pictures."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from pifuhd_ros.networks.pifuhd import PifuhdNetwork
from pifuhd_ros.training.batches import Batch
from pifuhd_ros.training.losses import run_levels

PEOPLE = 4
_CELLS = 48
_DEPTH_RANGE = 0.4
"""Model-space z shown from black (-) to white (+)."""


@torch.no_grad()
def draw_validation(
    network: PifuhdNetwork, batch: Batch, levels: tuple[str, ...]
) -> dict[str, torch.Tensor]:
    """Pictures by title, each (3, H, W) in [0, 1]: a row a person, predictions left of truths.

    "normals": image, front predicted and true, back predicted and true. "depth": front and back.
    "occupancy" of the last level that ran: the shape seen from the front beside the true mask, and
    from its side (z to the right) beside the labelled points that are inside.
    """
    few = Batch(**{name: value[:PEOPLE] for name, value in vars(batch).items()})
    outputs = run_levels(network, few, levels)
    seen = (few.mask > 0.5).float()
    size = few.mask.shape[-1]
    image = F.interpolate(few.image, size=size, mode="area") / 2 + 0.5
    normals = [
        (F.normalize(n.float(), dim=1) / 2 + 0.5) * seen
        for n in (outputs.front, few.front, outputs.back, few.back)
    ]
    pictures = {"normals": _rows([image, *normals])}
    if outputs.depth is not None:
        predicted = F.interpolate(outputs.depth.float(), size=size)
        shown = [
            _grey((z[:, side : side + 1] / _DEPTH_RANGE + 1) / 2 * seen)
            for side in (0, 1)
            for z in (predicted, few.depth)
        ]
        pictures["depth"] = _rows(shown)
        front, side_on = _silhouettes(network, few, levels)
        truth = F.interpolate(few.mask, size=_CELLS, mode="area")
        pictures["occupancy"] = _rows([_grey(i) for i in (front, truth, side_on, _splat(few))])
    return {title: picture.cpu() for title, picture in pictures.items()}


def _silhouettes(
    network: PifuhdNetwork, batch: Batch, levels: tuple[str, ...]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The highest occupancy along z (front view) and along x (side view), (B, 1, cells, cells)."""
    axis = torch.linspace(-1, 1, _CELLS, device=batch.image.device)
    y, x, z = torch.meshgrid(-axis, axis, axis, indexing="ij")
    points = torch.stack([x, y, z], -1).view(1, -1, 3).expand(len(batch.image), -1, -1)
    outputs = run_levels(network, Batch(**{**vars(batch), "points": points}), levels)
    logits = outputs.coarse if outputs.fine is None else outputs.fine
    assert logits is not None
    occupancy = logits.float().sigmoid().view(-1, _CELLS, _CELLS, _CELLS)
    return occupancy.amax(3)[:, None], occupancy.amax(2)[:, None]


def _splat(batch: Batch) -> torch.Tensor:
    """The labelled points that are inside, seen from the side (B, 1, cells, cells)."""
    cell = ((batch.points + 1) / 2 * (_CELLS - 1)).round().long().clamp(0, _CELLS - 1)
    place = (_CELLS - 1 - cell[..., 1]) * _CELLS + cell[..., 2]
    empty = torch.zeros(len(place), _CELLS**2, device=place.device)
    return empty.scatter_reduce(1, place, batch.inside, "amax").view(-1, 1, _CELLS, _CELLS)


def _grey(image: torch.Tensor) -> torch.Tensor:
    return image.expand(-1, 3, -1, -1)


def _rows(columns: list[torch.Tensor]) -> torch.Tensor:
    """(B, 3, S, S) images, laid out as a table (3, B · S, columns · S)."""
    wide = torch.cat(columns, 3)
    return torch.cat(list(wide), 1).clamp(0, 1)
