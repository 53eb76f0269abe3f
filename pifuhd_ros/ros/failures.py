"""What a failed capture says, and what it leaves behind."""

from __future__ import annotations

import gc
import traceback

import torch

from pifuhd_ros.reconstructors.devices import is_out_of_memory
from pifuhd_ros.types import PifuhdError


def explain(error: Exception) -> str:
    """Return an error in a sentence, with what to do where that is known."""
    if isinstance(error, PifuhdError):
        return str(error)
    if is_out_of_memory(error):
        return (
            "out of memory: lower resolution or max_people, end other programs on this device, or "
            f"take another one by the parameter device ({_first_line(error)})"
        )
    return f"unexpected {type(error).__name__}: {error}"


def is_expected(error: Exception) -> bool:
    """Whether the error explains itself, so that nobody needs its traceback."""
    return isinstance(error, PifuhdError) or is_out_of_memory(error)


def free_memory_of(error: Exception) -> None:
    """Where memory ran out, give back at once what the work had taken: its error still holds it."""
    if is_out_of_memory(error) or is_out_of_memory(error.__cause__):
        for one in (error, error.__cause__):
            if one is not None:
                traceback.clear_frames(one.__traceback__)
        free_memory()


def free_memory() -> None:
    """Give what is in use no more back to the machine and the GPU."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
