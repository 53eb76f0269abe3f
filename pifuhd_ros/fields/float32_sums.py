"""How a process's CUDA libraries multiply."""

from __future__ import annotations

import torch


def sum_in_float32() -> None:
    """Have CUDA take float32 as float32, and add products of half precision up in it.

    It holds for the whole process. By default cuDNN rounds what float32 convolutions multiply to
    the ten bits of TensorFloat-32, and cuBLAS may add parts of a sum up in half precision.
    """
    torch.backends.cudnn.allow_tf32 = False
    products = torch.backends.cuda.matmul
    products.allow_tf32 = False
    products.allow_fp16_reduced_precision_reduction = False
    products.allow_bf16_reduced_precision_reduction = False
