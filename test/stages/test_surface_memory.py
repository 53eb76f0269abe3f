"""What the search keeps and where: no dense volume, and nothing but counts for the host."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import pytest
import torch
from analytic_shapes import SignedDistanceField, capsules, person
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from pifuhd_ros.stages import surface
from pifuhd_ros.stages.surface import extract_surface


class Held(TorchDispatchMode):
    """Counts the bytes of tensors that are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.most = self.now = 0
        self.known: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor):
                self.note(tensor.untyped_storage())
        return result

    def note(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key not in self.known:
            self.known[key] = storage.nbytes()
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self.forget, key)

    def forget(self, key: int) -> None:
        self.now -= self.known.pop(key)


@pytest.mark.parametrize("resolution", [512, 1024])
def test_no_dense_volume(resolution: int) -> None:
    """A volume of one byte a cell would be 134 MB and 1074 MB; the small pole needs much less."""
    pole = SignedDistanceField(capsules([([0.1, -0.5, 0.0], [0.1, 0.5, 0.0], 0.05)]))
    with Held() as held:
        extraction = extract_surface(pole, resolution)
    assert len(extraction.mesh.faces) > 0.2 * resolution**2
    assert held.most < 0.25 * resolution**3


class OnDevice(TorchFunctionMode):
    """Refuses to bring arrays to the host or from it, until the result is copied.

    A few flags asked for together are no array.
    """

    refused: ClassVar = {
        *(torch.Tensor.cpu, torch.Tensor.numpy, torch.Tensor.tolist, torch.Tensor.__array__),
        *(torch.tensor, torch.as_tensor, torch.from_numpy, torch.Tensor.new_tensor),
    }

    def __init__(self) -> None:
        super().__init__()
        self.is_done = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        few = func is torch.Tensor.tolist and args[0].numel() < 8
        assert self.is_done or few or func not in self.refused, func
        return func(*args, **(kwargs or {}))


class Waits(TorchDispatchMode):
    """Counts what makes the host wait for a GPU: sizes that depend on values, and decisions."""

    names: ClassVar = {
        "nonzero",
        "_unique2",
        "unique_consecutive",
        "_local_scalar_dense",
        "masked_select",
    }

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func._schema.name.removeprefix("aten::")
        by_mask = name.startswith("index") and any(
            isinstance(index, torch.Tensor) and index.dtype == torch.bool
            for index in (args[1] if isinstance(args[1], (list, tuple)) else [])
        )
        self.count += name in self.names or by_mask
        return func(*args, **(kwargs or {}))


def test_only_counts_come_to_the_host_between_the_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    field = SignedDistanceField(person())
    extract_surface(field, 64)  # The tables of marching cubes go to the device once.
    mode, copy = OnDevice(), surface.copy_to_host

    def copied(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mode.is_done = True
        return copy(*tensors)

    monkeypatch.setattr(surface, "copy_to_host", copied)
    with mode, Waits() as waits:
        extract_surface(field, 256)
    assert mode.is_done
    # Three levels above the first, each followed in a few rounds.
    assert waits.count < 30
