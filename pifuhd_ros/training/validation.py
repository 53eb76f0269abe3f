"""How the averaged weights do on people of the training kind that they have not seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from pifuhd_ros.networks.pifuhd import PifuhdNetwork
from pifuhd_ros.training.batches import Batch
from pifuhd_ros.training.losses import depth_error, run_levels


@dataclass(frozen=True)
class Validation:
    """Means over the validation batches; NaN for a level that did not run."""

    front_deg: float
    """Mean angle between predicted and true front normals."""
    back_deg: float
    depth_error: float
    """Mean absolute error of the coarse features' front and back z, model units."""
    coarse_accuracy: float
    """Share of the labelled points that the coarse level puts on the right side."""
    fine_accuracy: float


@torch.no_grad()
def validate(
    network: PifuhdNetwork, batches: Iterable[Batch], levels: tuple[str, ...]
) -> Validation:
    """Measures a network on batches."""
    found: dict[str, list[torch.Tensor]] = {name: [] for name in Validation.__dataclass_fields__}
    for batch in batches:
        outputs = run_levels(network, batch, levels)
        seen = batch.mask[:, 0] > 0.5
        for name, predicted, true in (
            ("front_deg", outputs.front, batch.front),
            ("back_deg", outputs.back, batch.back),
        ):
            unit = torch.nn.functional.normalize(predicted.float(), dim=1)
            cosine = (unit * true).sum(1).clamp(-1, 1)
            found[name].append(torch.rad2deg(cosine.arccos())[seen].mean())
        if outputs.depth is not None:
            error = depth_error(outputs.depth, batch)
            found["depth_error"].append(error / 2)
        for name, logits in (
            ("coarse_accuracy", outputs.coarse),
            ("fine_accuracy", outputs.fine),
        ):
            if logits is not None:
                found[name].append(((logits > 0) == (batch.inside > 0.5)).float().mean())

    def mean(values: list[torch.Tensor]) -> float:
        return float(torch.stack(values).mean()) if values else float("nan")

    return Validation(**{name: mean(values) for name, values in found.items()})
