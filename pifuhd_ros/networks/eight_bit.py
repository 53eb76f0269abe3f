"""Weights for files: matrices in eight bits, all else in sixteen."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pifuhd_ros.types.errors import WeightsError

_FEWEST = 2048
"""Smaller tensors would save nothing worth their error."""
_MOST = 127
_DIGITS = 14
_STEP = "/step"


def to_eight_bits(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors in a quarter of their bytes.

    A row of a matrix, all that one output is made of, is rounded to multiples of a step of its
    own, the 127th part of its largest value. That is at most 1.6 % of a convolution's weights in
    the root mean square in the shipped networks; the depths that pifuhd-lite draws of a hundred
    people stay as good.

    Args:
        tensors: float32.

    Returns:
        For a matrix (rows, …) int8 and, as ``NAME/step``, its steps (rows,) float32; the others
        float16. What was not finite is not finite there either.
    """
    result: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.dim() < 2 or tensor.numel() < _FEWEST:
            result[name] = tensor.half()
            continue
        rows = tensor.flatten(1)
        # So few binary digits that 127 steps need no rounding: read and written again, the file
        # stays the same.
        digits, exponent = torch.frexp(rows.abs().amax(1) / _MOST)
        step = torch.ldexp((digits * 2**_DIGITS).ceil(), exponent - _DIGITS)
        # A row of zeros has no step.
        counts = rows / step.clamp(min=torch.finfo(torch.float32).tiny)[:, None]
        result[name] = counts.round().to(torch.int8).view_as(tensor)
        result[name + _STEP] = step
    return result


def from_eight_bits(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What ``to_eight_bits`` was given, but for what rounding took; other tensors as they are.

    Raises:
        WeightsError: steps that fit no matrix.
    """
    result = {name: value for name, value in tensors.items() if not name.endswith(_STEP)}
    for key in tensors.keys() - result.keys():
        name, step = key.removesuffix(_STEP), tensors[key]
        matrix = result.get(name)
        if matrix is None or matrix.dtype != torch.int8 or step.shape != matrix.shape[:1]:
            raise WeightsError(f"{key} fits no matrix in eight bits")
        result[name] = (matrix.flatten(1) * step.float()[:, None]).view_as(matrix)
    return result
