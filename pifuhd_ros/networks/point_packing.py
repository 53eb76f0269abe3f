"""A PointChain's weights laid out for one kernel that runs all layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch.nn import functional as F

from pifuhd_ros.networks.point_chain import ChainLayer, PointChain

BLOCK_IN = 64
"""Incoming channels that the kernel multiplies at a time; widths are padded to multiples of it."""
_BLOCKS_OUT = (128, 64)
ABSENT = -1
"""The place of what a layer does not have."""


class PackedLayer(NamedTuple):
    """One layer in numbers: widths are padded, places count from the start of their tensor."""

    width: int
    """Channels that come out; 1 for the logit."""
    block_out: int
    """Outgoing channels that are computed at a time."""
    before_width: int
    """Channels of the layer before; 0: the layer does not see it."""
    before_place: int
    """In the scratch memory; ABSENT: the first layer, computed where it is needed."""
    before_weights: int
    """In ``products``, of the logit in ``sums``."""
    skipped_width: int
    """Channels of phi; 0: the layer does not see it."""
    skipped_place: int
    """In the scratch memory."""
    skipped_weights: int
    """As before_weights."""
    depth: int
    """Weights of z in ``sums``, or ABSENT."""
    bias: int
    """In ``sums``, or ABSENT."""
    term: int
    """Column of the terms, or ABSENT."""
    place: int
    """Of the output in the scratch memory."""


@dataclass(frozen=True)
class PackedChain:
    """What the kernel is given."""

    layers: tuple[PackedLayer, ...]
    """Those that write to the scratch memory, and the logit."""
    first_depth: int
    """Weights of z of the chain's first layer, in ``sums``."""
    first_term: int
    """Its term's column."""
    products: torch.Tensor
    """(in, out) weights one after another, in the chain's dtype."""
    sums: torch.Tensor
    """Float32: depth weights, biases, and the logit's weights."""
    scratch_width: int
    """Activations kept of each point."""


def pad_terms(chain: PointChain) -> PointChain:
    """The same chain; each layer's term is followed by zeros up to a padded width."""
    seen = [[x for x in chain.layers if x.bias is None and x.is_fine == fine] for fine in (0, 1)]
    weights, biases = [], []
    for layers, weight, bias in zip(seen, chain.term_weights, chain.term_biases, strict=True):
        widths = [layer.width for layer in layers]
        weights.append(torch.cat([_pad(part, dim=1) for part in weight.split(widths, 1)], 1))
        biases.append(torch.cat([_pad(part, dim=0) for part in bias.split(widths)]))
    return replace(chain, term_weights=(weights[0], weights[1]), term_biases=(biases[0], biases[1]))


def pack_chain(chain: PointChain) -> PackedChain:
    """Lay out a chain's layers, on its device."""
    places, scratch_width = _places(chain.layers)
    phi_place = places[[layer.gives_phi for layer in chain.layers].index(True)]
    products, sums = _Row(), _Row()
    packed: list[PackedLayer] = []
    term = 0
    for i, layer in enumerate(chain.layers):
        is_logit = layer is chain.layers[-1]
        weights = sums if is_logit else products
        out = 1 if is_logit else padded(layer.width)
        own_term = ABSENT
        if layer.bias is None:
            own_term, term = term, term + padded(layer.width)
        packed.append(
            PackedLayer(
                width=out,
                block_out=next((size for size in _BLOCKS_OUT if out % size == 0), 1),
                before_width=0 if layer.before is None else padded(layer.before.shape[0]),
                before_place=places[i - 1] if i else ABSENT,
                before_weights=weights.add(layer.before, out),
                skipped_width=0 if layer.skipped is None else padded(layer.skipped.shape[0]),
                skipped_place=phi_place,
                skipped_weights=weights.add(layer.skipped, out),
                depth=sums.add(layer.depth, out),
                bias=sums.add(layer.bias, out),
                term=own_term,
                place=places[i],
            )
        )
    first = packed[0]
    return PackedChain(
        tuple(packed if first.place != ABSENT else packed[1:]),
        first.depth,
        first.term,
        products.joined(chain.term_biases[0], chain.dtype),
        sums.joined(chain.term_biases[0], torch.float32),
        scratch_width,
    )


def padded(width: int) -> int:
    """The next multiple of BLOCK_IN."""
    return -(-width // BLOCK_IN) * BLOCK_IN


def _places(layers: tuple[ChainLayer, ...]) -> tuple[list[int], int]:
    """Where each layer's output lies in a point's scratch memory, and how wide that is.

    Phi has a place to itself, the others take turns in two. The first layer has none unless it
    gives phi.
    """
    phi = next(padded(layer.width) for layer in layers if layer.gives_phi)
    turns = [i for i, layer in enumerate(layers[:-1]) if i and not layer.gives_phi]
    wide = [max((padded(layers[i].width) for i in turns[turn::2]), default=0) for turn in (0, 1)]
    places = [ABSENT] * len(layers)
    for i, layer in enumerate(layers[:-1]):
        if layer.gives_phi:
            places[i] = 0
        elif i:
            places[i] = phi + wide[0] * (turns.index(i) % 2)
    return places, phi + sum(wide)


def _pad(tensor: torch.Tensor, dim: int) -> torch.Tensor:
    missing = padded(tensor.shape[dim]) - tensor.shape[dim]
    return F.pad(tensor, (0, missing) if dim == tensor.dim() - 1 else (0, 0, 0, missing))


class _Row:
    """Tensors one after another."""

    def __init__(self) -> None:
        self._parts: list[torch.Tensor] = []

    def add(self, tensor: torch.Tensor | None, out: int) -> int:
        """Where the padded tensor begins; ABSENT where there is none.

        Args:
            tensor: (in, width) or (width,).
            out: what the width is padded to.
        """
        if tensor is None:
            return ABSENT
        start = sum(len(part) for part in self._parts)
        wide = F.pad(tensor, (0, out - tensor.shape[-1]))
        self._parts.append((wide if wide.dim() == 1 else _pad(wide, dim=0)).flatten())
        return start

    def joined(self, like: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """All of them on the device of ``like``, and never nothing."""
        return torch.cat([*self._parts, like.new_zeros(BLOCK_IN)]).to(dtype)
