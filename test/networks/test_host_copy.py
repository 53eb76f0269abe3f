from __future__ import annotations

import pytest
import torch

from pifuhd_ros.networks.host_copy import copy_to_host


def test_what_is_on_the_host_is_not_copied() -> None:
    tensors = (torch.rand(3), torch.arange(4))
    assert all(a is b for a, b in zip(copy_to_host(*tensors), tensors, strict=True))


def test_copies_from_a_gpu_are_whole() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    tensors = [torch.rand(1000, 1000, device="cuda"), torch.arange(10**6, device="cuda").int()]
    for copy, tensor in zip(copy_to_host(*tensors), tensors, strict=True):
        assert copy.is_pinned()
        assert torch.equal(copy, tensor.cpu())
