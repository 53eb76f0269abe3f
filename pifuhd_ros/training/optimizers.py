"""How weights follow their gradients: Muon for hidden convolutions, AdamW for all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.optim import AdamW, Optimizer

from pifuhd_ros.training.config import StageConfig

_MOMENTUM = 0.95
_ENDS = ("stem", "head", "guide_head")
"""Layers that touch the image or the output are not hidden."""
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic of Jordan et al.; they bring singular values to about [0.7, 1.2]."""
_NEWTON_SCHULZ_STEPS = 5


class Muon(Optimizer):
    """Nesterov momentum whose step is made orthogonal, for the weights of convolutions.

    A weight (out, in, k, k) counts as a matrix (out, in · k · k). All directions of a step are of
    one length, so that the rare ones are learned as fast as the frequent ones.

    Source: Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024.
    """

    def __init__(self, params: list[torch.nn.Parameter], lr: float) -> None:
        """Take over weights of at least two dimensions; ``lr`` as for AdamW's."""
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step; a closure is not called."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].lerp_(weight.grad, 1 - _MOMENTUM)
                ahead = weight.grad.lerp(momentum, _MOMENTUM)
                step = orthogonal(ahead.flatten(1)).view(weight.shape)
                tall = max(1.0, weight.shape[0] / weight[0].numel()) ** 0.5
                weight.add_(step.to(weight.dtype), alpha=-group["lr"] * tall)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """A matrix (m, n) with the same singular vectors, and values near 1; bfloat16 inside."""
    a, b, c = _NEWTON_SCHULZ
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide.bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    step: torch.Tensor = x.T if wide is not matrix else x
    return step.to(matrix.dtype)


def optimizers_for(
    learning: Mapping[str, torch.nn.Parameter], stage: StageConfig
) -> list[Optimizer]:
    """The optimisers of the weights that learn; each group has its ``highest_rate``.

    Args:
        learning: By name, as the network names them.
        stage: With the rates.
    """
    hidden = {name: p for name, p in learning.items() if _is_hidden(name, p)}
    others = [p for name, p in learning.items() if name not in hidden]
    made: list[Optimizer] = []
    if others:
        made.append(AdamW(others, lr=stage.learning_rate, weight_decay=stage.weight_decay))
    if hidden:
        made.append(Muon(list(hidden.values()), lr=stage.muon_rate))
    for optimizer in made:
        for group in optimizer.param_groups:
            group["highest_rate"] = group["lr"]
    return made


def set_rates(optimizers: list[Any], share: float) -> None:
    """Every group learns at this share of its highest rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["highest_rate"] * share


def _is_hidden(name: str, parameter: torch.nn.Parameter) -> bool:
    return parameter.dim() == 4 and not set(_ENDS) & set(name.split("."))
