"""All layers of a PointChain in one Triton kernel: activations never leave a GPU's caches.

Import this file where a kernel is wanted: it alone needs ``triton``, which comes with the builds of
torch for CUDA.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from pifuhd_ros.networks.point_chain import LEAK
from pifuhd_ros.networks.point_packing import BLOCK_IN, PackedChain

TILE = 128
"""Points that a program works on at a time."""
_WARPS, _STAGES = 8, 3


def run_chain(
    packed: PackedChain, terms: torch.Tensor, column: torch.Tensor, z: torch.Tensor
) -> torch.Tensor:
    """Fine logits of points, as PointChain.logits computes them.

    Each program takes the points of one tile through all layers. Its activations lie in scratch
    memory that it uses again for its next tile, so that they stay in the second-level cache; sums
    stay in registers.

    Args:
        packed: from pack_chain.
        terms: (M, T) from the column_terms of pad_terms, in the chain's dtype.
        column: (N,) int64, the column of each point.
        z: (N,) float32, model space.

    Returns:
        (N,) float32.
    """
    count = len(z)
    logits = torch.empty(count, device=z.device)
    programs = triton.cdiv(count, TILE)
    if z.is_cuda:
        properties = torch.cuda.get_device_properties(z.device)
        programs = min(programs, properties.multi_processor_count)
    if programs == 0:
        return logits
    scratch = terms.new_empty(programs * TILE, packed.scratch_width)
    with torch.cuda.device_of(z):
        _run[(programs,)](
            z.contiguous(),
            column.contiguous(),
            terms.contiguous(),
            packed.products,
            packed.sums,
            scratch,
            logits,
            count,
            LAYERS=tuple(tuple(layer) for layer in packed.layers),
            FIRST_DEPTH=packed.first_depth,
            FIRST_TERM=packed.first_term,
            TERMS=terms.shape[1],
            SCRATCH=packed.scratch_width,
            TILE=TILE,
            BLOCK_IN=BLOCK_IN,
            LEAK=LEAK,
            num_warps=_WARPS,
            num_stages=_STAGES,
        )
    return logits


@triton.jit
def _run(
    z_at,
    column_at,
    terms_at,
    products_at,
    sums_at,
    scratch_at,
    logits_at,
    count,
    LAYERS: tl.constexpr,
    FIRST_DEPTH: tl.constexpr,
    FIRST_TERM: tl.constexpr,
    TERMS: tl.constexpr,
    SCRATCH: tl.constexpr,
    TILE: tl.constexpr,
    BLOCK_IN: tl.constexpr,
    LEAK: tl.constexpr,
):
    program = tl.program_id(0)
    row = tl.arange(0, TILE)
    own = scratch_at + (program.to(tl.int64) * TILE + row)[:, None] * SCRATCH
    for tile in range(program, tl.cdiv(count, TILE), tl.num_programs(0)):
        point = tile * TILE + row
        is_point = point < count
        z = tl.load(z_at + point, mask=is_point, other=0.0)
        column = tl.load(column_at + point, mask=is_point, other=0)
        term = terms_at + column[:, None] * TERMS
        for i in tl.static_range(len(LAYERS) - 1):
            _layer(
                own, z, term, products_at, sums_at, LAYERS[i],
                FIRST_DEPTH, FIRST_TERM, TILE, BLOCK_IN, LEAK,
            )  # fmt: skip
            # The next layer reads what other threads of this program wrote.
            tl.debug_barrier()
        logit = _logit(own, z, term, sums_at, LAYERS[len(LAYERS) - 1], TILE, BLOCK_IN)
        tl.store(logits_at + point, logit, mask=is_point)
        tl.debug_barrier()


@triton.jit
def _layer(
    own,
    z,
    term,
    products_at,
    sums_at,
    LAYER: tl.constexpr,
    FIRST_DEPTH: tl.constexpr,
    FIRST_TERM: tl.constexpr,
    TILE: tl.constexpr,
    BLOCK_IN: tl.constexpr,
    LEAK: tl.constexpr,
):
    """One layer of a tile, from the scratch memory to the scratch memory."""
    WIDTH: tl.constexpr = LAYER[0]
    BLOCK_OUT: tl.constexpr = LAYER[1]
    BEFORE: tl.constexpr = LAYER[2]
    BEFORE_PLACE: tl.constexpr = LAYER[3]
    SKIPPED: tl.constexpr = LAYER[5]
    DEPTH: tl.constexpr = LAYER[8]
    BIAS: tl.constexpr = LAYER[9]
    TERM: tl.constexpr = LAYER[10]
    before_weights = products_at + LAYER[4]
    skipped_weights = products_at + LAYER[7]
    kind = products_at.dtype.element_ty
    for start in range(0, WIDTH, BLOCK_OUT):
        out = start + tl.arange(0, BLOCK_OUT)
        total = tl.zeros((TILE, BLOCK_OUT), tl.float32)
        if TERM >= 0:
            total += tl.load(term + (TERM + out)[None, :]).to(tl.float32)
        if BIAS >= 0:
            total += tl.load(sums_at + BIAS + out)[None, :]
        if DEPTH >= 0:
            total += z[:, None] * tl.load(sums_at + DEPTH + out)[None, :]
        for at in range(0, SKIPPED, BLOCK_IN):
            into = at + tl.arange(0, BLOCK_IN)
            phi = tl.load(own + (LAYER[6] + into)[None, :])
            weights = tl.load(skipped_weights + into[:, None] * WIDTH + out[None, :])
            total = tl.dot(phi, weights, total, input_precision="ieee")
        for at in range(0, BEFORE, BLOCK_IN):
            into = at + tl.arange(0, BLOCK_IN)
            if BEFORE_PLACE >= 0:
                x = tl.load(own + (BEFORE_PLACE + into)[None, :])
            else:
                first = tl.load(term + (FIRST_TERM + into)[None, :]).to(tl.float32)
                first += z[:, None] * tl.load(sums_at + FIRST_DEPTH + into)[None, :]
                x = tl.maximum(first, LEAK * first).to(kind)
            weights = tl.load(before_weights + into[:, None] * WIDTH + out[None, :])
            total = tl.dot(x, weights, total, input_precision="ieee")
        y = tl.maximum(total, LEAK * total).to(kind)
        tl.store(own + (LAYER[11] + out)[None, :], y)


@triton.jit
def _logit(own, z, term, sums_at, LAYER: tl.constexpr, TILE: tl.constexpr, BLOCK_IN: tl.constexpr):
    """The last layer of a tile: one number a point."""
    DEPTH: tl.constexpr = LAYER[8]
    BIAS: tl.constexpr = LAYER[9]
    TERM: tl.constexpr = LAYER[10]
    total = tl.zeros((TILE, 1), tl.float32)
    if TERM >= 0:
        total += tl.load(term + TERM).to(tl.float32)
    if BIAS >= 0:
        total += tl.load(sums_at + BIAS)
    if DEPTH >= 0:
        total += z[:, None] * tl.load(sums_at + DEPTH)
    for at in range(0, LAYER[2], BLOCK_IN):
        into = at + tl.arange(0, BLOCK_IN)
        x = tl.load(own + (LAYER[3] + into)[None, :]).to(tl.float32)
        weights = tl.load(sums_at + LAYER[4] + into)[None, :]
        total += tl.sum(x * weights, axis=1, keep_dims=True)
    for at in range(0, LAYER[5], BLOCK_IN):
        into = at + tl.arange(0, BLOCK_IN)
        phi = tl.load(own + (LAYER[6] + into)[None, :]).to(tl.float32)
        weights = tl.load(sums_at + LAYER[7] + into)[None, :]
        total += tl.sum(phi * weights, axis=1, keep_dims=True)
    return tl.reshape(total, (TILE,))
