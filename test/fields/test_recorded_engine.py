"""The engine of a GPU on a CPU: what would be recorded is run instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from pifuhd_ros.fields import engine
from pifuhd_ros.fields.engine import prepare_engine
from pifuhd_ros.fields.float32_sums import sum_in_float32
from pifuhd_ros.fields.pifuhd import encode_pifuhd
from pifuhd_ros.networks.pifuhd import LITE, PifuhdNetwork
from pifuhd_ros.networks.point_chain import chain_of
from pifuhd_ros.types import PersonCrop

Tensors = tuple[torch.Tensor, ...]


@pytest.fixture(autouse=True)
def cuda_settings() -> Iterator[None]:
    """As torch has them, and again afterwards."""
    products = torch.backends.cuda.matmul
    before = torch.backends.cudnn.allow_tf32, products.allow_fp16_reduced_precision_reduction
    bfloat = products.allow_bf16_reduced_precision_reduction
    torch.backends.cudnn.allow_tf32 = True
    yield
    torch.backends.cudnn.allow_tf32, products.allow_fp16_reduced_precision_reduction = before
    products.allow_bf16_reduced_precision_reduction = bfloat


def test_float32_is_not_rounded_and_halves_are_added_up_in_it() -> None:
    products = torch.backends.cuda.matmul
    products.allow_fp16_reduced_precision_reduction = True
    sum_in_float32()
    assert not torch.backends.cudnn.allow_tf32
    assert not products.allow_tf32
    assert not products.allow_fp16_reduced_precision_reduction
    assert not products.allow_bf16_reduced_precision_reduction


class RunInstead:
    """In the place of RecordedCall."""

    def __init__(self, function: Callable[..., Tensors], *inputs: torch.Tensor) -> None:
        assert not torch.backends.cudnn.allow_tf32, "would be recorded with rounded products"
        self.expected = [(tensor.shape, tensor.dtype, tensor.stride()) for tensor in inputs]
        self.function = function

    def __call__(self, *inputs: torch.Tensor) -> Tensors:
        # A recording copies its inputs to where it reads them: shapes and types must be the same.
        assert [(t.shape, t.dtype) for t in inputs] == [(s, d) for s, d, _ in self.expected]
        return self.function(*inputs)


def test_what_is_recorded_is_what_the_cpu_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RecordedCall", RunInstead)
    generator = torch.Generator().manual_seed(0)
    size = LITE.fine_size
    crop = PersonCrop(
        torch.rand(3, size, size, generator=generator), torch.ones(size, size), np.eye(3)
    )
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(PifuhdNetwork(LITE).eval())
    chain = chain_of(networks[1].netG.mlp, networks[1].mlp, LITE.depth_scale)
    recorded = engine._record(networks[1], torch.float32, chain)
    assert networks[1].image_filter.stem.weight.is_contiguous(memory_format=torch.channels_last)

    (normals, field), (expected_normals, expected) = (
        encode_pifuhd(one, crop) for one in (recorded, prepare_engine(networks[0]))
    )
    close = {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(normals.front, expected_normals.front, **close)
    torch.testing.assert_close(field.coarse_features, expected.coarse_features, **close)
    torch.testing.assert_close(field.fine_features, expected.fine_features, **close)
    points = torch.rand(100, 3, generator=generator) * 2 - 1
    torch.testing.assert_close(field.query(points), expected.query(points), **close)
