"""Both levels' point MLPs as one chain of layers, for inference on columns of points."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from pifuhd_ros.networks.point_mlp import PointMlp

LEAK = 0.01
"""Slope of the MLPs' leaky ReLU below zero."""


@dataclass(frozen=True)
class ChainLayer:
    """x · before + phi · skipped + z · depth + (the column's term or bias); then leaky ReLU.

    Weights are (in, out) float32, rounded to the chain's dtype; None: the layer does not see that.
    """

    width: int
    """Channels that come out."""
    before: torch.Tensor | None
    """Weights of the layer before."""
    skipped: torch.Tensor | None
    """Weights of phi, the coarse level's output, besides."""
    depth: torch.Tensor | None
    """(out,) weights of the points' z."""
    bias: torch.Tensor | None
    """(out,) of a layer that sees the layer before and nothing else; None: it sees the column's
    features, whose term holds the bias."""
    is_fine: bool
    """Whether it belongs to the fine level."""
    gives_phi: bool
    """Whether its output is phi."""


@dataclass(frozen=True)
class PointChain:
    """Logits of points from their columns' image features and their z.

    What a layer makes of the column's image features is the same for all points of the column: its
    term, computed once. The coarse level's layers behind phi are left out: the fine level does not
    depend on them.

    Source: Saito et al., PIFuHD, CVPR 2020, section 3.
    """

    layers: tuple[ChainLayer, ...]
    """From the coarse level's first to the fine logit."""
    term_weights: tuple[torch.Tensor, torch.Tensor]
    """(C, T) for the coarse and the fine features: the layers' weights side by side."""
    term_biases: tuple[torch.Tensor, torch.Tensor]
    """(T,) beside them."""
    dtype: torch.dtype
    """What terms, weights and activations are rounded to; sums are float32."""

    def column_terms(self, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        """What the image features of columns add to the layers that see them.

        Args:
            coarse: (M, C) float32 coarse features of M columns.
            fine: (M, C') float32 fine features of the same.

        Returns:
            (M, T) in the chain's dtype, the terms of one layer beside those of the next.
        """
        split = len(self.term_biases[0])
        width = split + len(self.term_biases[1])
        terms = torch.empty(len(coarse), width, dtype=self.dtype, device=coarse.device)
        for features, weight, bias, part in zip(
            (coarse, fine),
            self.term_weights,
            self.term_biases,
            (terms[:, :split], terms[:, split:]),
            strict=True,
        ):
            torch.addmm(bias, features.to(self.dtype), weight, out=part)
        return terms

    def logits(self, terms: torch.Tensor, column: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Fine logits of points: the plain way, which any device has.

        Args:
            terms: (M, T) from column_terms.
            column: (N,) int64, the column of each point.
            z: (N,) float32, model space.

        Returns:
            (N,) float32.
        """
        x = phi = z[:, None]
        taken = 0
        for layer in self.layers:
            if layer.bias is not None and layer.before is not None:
                y = torch.addmm(layer.bias, x, layer.before)
            else:
                # index_select copies whole rows: eight times as fast on a CPU as indexing.
                own = terms[:, taken : taken + layer.width]
                y = own.index_select(0, column).to(torch.float32)
                taken += layer.width
                if layer.depth is not None:
                    y.addcmul_(z[:, None], layer.depth)
                if layer.skipped is not None:
                    y.addmm_(phi, layer.skipped)
                if layer.before is not None:
                    y.addmm_(x, layer.before)
            if layer is not self.layers[-1]:
                y = F.leaky_relu(y, LEAK, inplace=True).to(self.dtype).to(torch.float32)
            if layer.gives_phi:
                phi = y
            x = y
        return x[:, 0]


@torch.no_grad()
def chain_of(
    coarse: PointMlp, fine: PointMlp, depth_scale: float, dtype: torch.dtype = torch.float32
) -> PointChain:
    """The chain that computes what two levels' MLPs do.

    Args:
        coarse: sees a column's features and depth_scale · z; has a phi layer.
        fine: sees a column's features and phi.
        depth_scale: the depth feature is depth_scale · z.
        dtype: float32, or what weights and activations are rounded to.

    Raises:
        ValueError: ``coarse`` has no phi layer.
    """
    phi_layer = coarse.config.phi_layer
    if phi_layer is None:
        raise ValueError("the coarse MLP gives no phi")
    levels = (
        _level(coarse, coarse.config.channels[0] - 1, phi_layer + 1),
        _level(fine, fine.config.channels[0] - coarse.config.channels[phi_layer + 1], None),
    )
    layers = []
    for is_fine, parts in enumerate(levels):
        for i, part in enumerate(parts):
            own = None if part.own is None else _rounded(part.own, dtype)
            layers.append(
                ChainLayer(
                    width=part.bias.shape[0],
                    before=None if part.before is None else _rounded(part.before, dtype),
                    skipped=own if is_fine else None,
                    depth=None if is_fine or part.own is None else part.own[0] * depth_scale,
                    bias=part.bias if part.shared is None else None,
                    is_fine=bool(is_fine),
                    gives_phi=not is_fine and i == phi_layer,
                )
            )
    weights = [
        torch.cat([part.shared for part in parts if part.shared is not None], 1).to(dtype)
        for parts in levels
    ]
    biases = [
        torch.cat([part.bias for part in parts if part.shared is not None]).to(dtype)
        for parts in levels
    ]
    return PointChain(tuple(layers), (weights[0], weights[1]), (biases[0], biases[1]), dtype)


@dataclass(frozen=True)
class _Part:
    """A layer of one MLP; weights (in, out) by what they apply to."""

    before: torch.Tensor | None
    shared: torch.Tensor | None
    own: torch.Tensor | None
    bias: torch.Tensor


def _level(mlp: PointMlp, shared: int, until: int | None) -> list[_Part]:
    """The first layers of an MLP whose first ``shared`` input channels are the column's."""
    parts = []
    for i, (weight, bias) in enumerate(mlp.layers()[:until]):
        sees_input = i == 0 or i in mlp.config.skips
        width = 0 if i == 0 else mlp.config.channels[i]
        turned = weight.detach().to(torch.float32).t()
        parts.append(
            _Part(
                before=turned[:width] if width else None,
                shared=turned[width : width + shared] if sees_input else None,
                own=turned[width + shared :] if sees_input else None,
                bias=bias.detach().to(torch.float32),
            )
        )
    return parts


def _rounded(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(dtype).to(torch.float32)
