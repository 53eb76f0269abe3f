"""What is said of errors, and what is given back after them."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from pifuhd_ros.ros.failures import explain, free_memory_of, is_expected
from pifuhd_ros.types import DeviceError, NoPersonError


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 3.00 GiB"),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: not enough memory"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
def test_lack_of_memory_is_told_with_what_to_do(error: Exception) -> None:
    told = explain(error)
    assert told.startswith("out of memory: lower resolution")
    assert type(error).__name__ in told
    assert "\n" not in told
    assert is_expected(error)


def test_real_lack_of_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(2**60, np.uint8)
    assert explain(of_torch.value).startswith("out of memory")
    assert explain(of_numpy.value).startswith("out of memory")


def test_other_errors_are_not_taken_for_it() -> None:
    assert explain(RuntimeError("shape mismatch")) == "unexpected RuntimeError: shape mismatch"
    assert not is_expected(RuntimeError("shape mismatch"))
    assert not is_expected(KeyError("out of memory"))
    assert explain(NoPersonError("nobody")) == "nobody"


class Block:
    """Stands for memory."""


@pytest.mark.parametrize("explained", [False, True])
def test_what_the_work_had_taken_is_given_back_while_its_error_lives(explained: bool) -> None:
    held: list[weakref.ref[Block]] = []

    def work() -> None:
        block = Block()
        held.append(weakref.ref(block))
        raise MemoryError

    def explain_it() -> None:
        try:
            work()
        except MemoryError as error:
            raise DeviceError("lower the resolution") from error

    with pytest.raises((MemoryError, DeviceError)) as caught:
        (explain_it if explained else work)()
    assert held[0]() is not None
    free_memory_of(caught.value)
    assert held[0]() is None
