"""What a process does with memory that large tensors gave back."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_TOP_PAD_BYTES = 64 * 2**20


def keep_freed_memory() -> bool:
    """Have the process keep freed memory for its next tensors, from now on.

    By default glibc returns every large block to the kernel when it is freed, and gets the next one
    page by page: for the layers of an image network that is a fifth and more of their time. It
    holds for the calling thread and those that start later.

    Returns:
        Whether it could be arranged: it cannot where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    options = ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_TOP_PAD, _TOP_PAD_BYTES))
    taken = [mallopt(option, value) == 1 for option, value in options]
    return all(taken)


def return_freed_memory() -> None:
    """Give what was kept back to the kernel."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
