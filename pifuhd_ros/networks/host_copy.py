"""Results of a GPU on the host."""

from __future__ import annotations

import torch


def copy_to_host(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The tensors on the CPU; those that are there already are not copied.

    Copies from a GPU go to page-locked memory, which it writes to by itself and at the full speed
    of the bus, and are waited for once. torch keeps such memory for the next copies.

    Args:
        tensors: all on one device.
    """
    if not tensors[0].is_cuda:
        return tensors
    copies = [torch.empty_like(tensor, device="cpu", pin_memory=True) for tensor in tensors]
    for copy, tensor in zip(copies, tensors, strict=True):
        copy.copy_(tensor, non_blocking=True)
    torch.cuda.current_stream(tensors[0].device).synchronize()
    return tuple(copies)
