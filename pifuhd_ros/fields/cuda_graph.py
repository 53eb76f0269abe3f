"""A fixed sequence of GPU kernels, recorded once and started as one."""

from __future__ import annotations

from collections.abc import Callable

import torch

_WARM_UPS = 3

Tensors = tuple[torch.Tensor, ...]


class RecordedCall:
    """A function of tensors on a CUDA device whose kernels are recorded on its first inputs.

    Every call copies its inputs to where the recording reads them, and its outputs from where the
    recording writes them.
    """

    def __init__(self, function: Callable[..., Tensors], *inputs: torch.Tensor) -> None:
        """Run the function a few times, then record it.

        Args:
            function: has no side effects and makes no decision from its inputs' values.
            inputs: of the shapes, types and layouts of all later calls.
        """
        self._inputs = tuple(tensor.clone() for tensor in inputs)
        stream = torch.cuda.Stream(inputs[0].device)
        stream.wait_stream(torch.cuda.current_stream(inputs[0].device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UPS):
                function(*self._inputs)
        torch.cuda.current_stream(inputs[0].device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = function(*self._inputs)

    def __call__(self, *inputs: torch.Tensor) -> Tensors:
        """What the function returns for these inputs."""
        for own, tensor in zip(self._inputs, inputs, strict=True):
            own.copy_(tensor)
        self._graph.replay()
        return tuple(tensor.clone() for tensor in self._outputs)
