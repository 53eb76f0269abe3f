"""What a machine without CUDA can tell of the recordings: nothing in them waits for the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from pifuhd_ros.fields.engine import prepare_engine
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.pifuhd import LITE, PUBLISHED, PifuhdConfig, PifuhdNetwork

_FROM_HOST = (torch.tensor, torch.as_tensor, torch.from_numpy, torch.Tensor.new_tensor)


class NothingFromHost(TorchFunctionMode):
    """Refuses constants that would be copied to the GPU, which a CUDA graph cannot record.

    On the meta device whatever decides by a tensor's values fails by itself, as does a mixture of
    devices.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in _FROM_HOST:
            raise RuntimeError(f"{func.__name__} takes from the host")
        return func(*args, **(kwargs or {}))


def recorded(function: Callable[..., tuple[torch.Tensor, ...]], *inputs: torch.Tensor) -> Any:
    with torch.no_grad(), NothingFromHost():
        return function(*inputs)


@pytest.mark.parametrize(
    ("config", "precision"),
    [(PUBLISHED, "float16"), (LITE, "float16"), (LITE, "float32")],
    ids=["published-float16", "lite-float16", "lite-float32"],
)
def test_image_stages_can_be_recorded(config: PifuhdConfig, precision: str) -> None:
    with torch.device("meta"):
        network = PifuhdNetwork(config).eval()
    engine = prepare_engine(network, precision)
    size = config.fine_size
    image = torch.empty(1, 3, size, size, device="meta")
    front, back = recorded(engine.normals, image)
    joints = torch.empty(1, len(JOINTS), 4, device="meta")
    (coarse,) = recorded(engine.coarse, image, front, back, joints)
    (fine,) = recorded(engine.fine, image, front, back)
    assert (coarse.shape[1], fine.shape[1]) == (
        config.coarse_filter.out_channels,
        config.fine_filter.out_channels,
    )
    assert coarse.dtype == fine.dtype == engine.dtype


def test_the_shipped_size_reads_the_skeleton() -> None:
    """Or else the recording above would say nothing about it."""
    assert LITE.coarse_filter.guide_channels > 0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x if x.sum() > 0 else -x,),
        lambda x: (x * torch.tensor([1.0, 2.0, 3.0], device=x.device),),
        lambda x: (x + torch.ones(3),),
        lambda x: (x[x > 0],),
        lambda x: (x * x.amax().item(),),
    ],
)
def test_what_cannot_be_recorded_is_caught(
    function: Callable[[torch.Tensor], tuple[torch.Tensor, ...]],
) -> None:
    with pytest.raises((RuntimeError, NotImplementedError)):
        recorded(function, torch.empty(3, device="meta"))
