"""A PIFuHD network prepared for inference on its device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Literal, get_args

import torch

from pifuhd_ros.fields.cuda_graph import RecordedCall
from pifuhd_ros.fields.float32_sums import sum_in_float32
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.mirror_mean import mean_coarse, mean_normals
from pifuhd_ros.networks.pifuhd import PifuhdNetwork
from pifuhd_ros.networks.point_chain import PointChain, chain_of
from pifuhd_ros.networks.point_packing import pack_chain, pad_terms
from pifuhd_ros.networks.shuffle_unet import ShuffleUNet
from pifuhd_ros.types.errors import WeightsError

Precision = Literal["auto", "float32", "float16", "bfloat16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)
"""What weights and activations are rounded to; sums are float32 in every case, and the first level
of the normals' U-Net keeps float32: 1 % of the arithmetic of a reconstruction."""

Tensors = tuple[torch.Tensor, ...]
Stage = Callable[..., Tensors]
Logits = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """The type of a precision's name.

    "auto" is float16 on CUDA and float32 elsewhere. Float16, not bfloat16: with the shipped weights
    the surfaces of ten held-out people of 180 cm move by 0.05 mm in the mean with the one, at most
    by 0.07 mm, and by 0.44 mm with the other, at the same speed.
    Weights whose activations exceed float16's range are told; see PifuhdEngine.check_finite.

    Raises:
        ValueError: there is no such precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r} is unknown: use {', '.join(PRECISIONS)}")
    if precision == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    dtype: torch.dtype = getattr(torch, precision)
    return dtype


@dataclass(frozen=True)
class PifuhdEngine:
    """What encodes crops and answers points: made by prepare_engine, used by one thread."""

    network: PifuhdNetwork
    """In evaluation mode; its image networks hold ``dtype``, see prepare_engine."""
    dtype: torch.dtype
    """Of weights and activations."""
    device: torch.device
    normals: Stage
    """``mean_normals`` of the network."""
    coarse: Stage
    """``mean_coarse`` of the network."""
    fine: Stage
    """PifuhdNetwork.encode_fine."""
    chain: PointChain
    """Both levels' point MLPs."""
    logits: Logits
    """The chain's logits, by the kernel where there is one."""

    def check_finite(self, features: torch.Tensor) -> None:
        """Refuse features that the precision could not hold.

        Raises:
            WeightsError: one is not finite.
        """
        if self.dtype != torch.float32 and not bool(features.isfinite().all()):
            name = str(self.dtype).removeprefix("torch.")
            raise WeightsError(
                f"the network's activations do not fit into {name}: choose the precision bfloat16 "
                "or float32 for these weights"
            )


@torch.no_grad()
def prepare_engine(network: PifuhdNetwork, precision: str = "auto") -> PifuhdEngine:
    """Prepare a network, on its device; everything slow is done here, before the first crop.

    Half precision rounds the network's own image networks in place, but for the first level of the
    normals' U-Net, where rounding shows most. On CUDA they are laid out channels-last and recorded
    as CUDA graphs, and the point kernel is compiled; the process adds up in float32 from then on,
    see sum_in_float32.

    Args:
        network: in evaluation mode; it belongs to the engine from then on.
        precision: one of PRECISIONS.

    Raises:
        ValueError: there is no such precision.
    """
    config, device = network.config, next(network.parameters()).device
    dtype = resolve_precision(precision, device)
    chain = chain_of(network.netG.mlp, network.mlp, config.depth_scale, dtype)
    _round_image_networks(network, dtype)
    if device.type == "cuda":
        return _record(network, dtype, chain)
    normals, coarse, fine = partial(mean_normals, network), _coarse(network), _fine(network)
    return PifuhdEngine(network, dtype, device, normals, coarse, fine, chain, chain.logits)


def _round_image_networks(network: PifuhdNetwork, dtype: torch.dtype) -> None:
    for name, part in [*network.netG.named_children(), *network.named_children()]:
        if isinstance(part, ShuffleUNet) and name == "normals":
            # With its first level in float16, too, the surface of one of ten held-out people
            # moves by 0.115 mm in the mean: half as far again as the most that is left.
            part.round_deeper_levels(dtype)
        elif name not in ("mlp", "netG"):
            part.to(dtype)


def _record(network: PifuhdNetwork, dtype: torch.dtype, chain: PointChain) -> PifuhdEngine:
    """The engine of a network on a GPU."""
    sum_in_float32()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    joints = next(network.parameters()).new_zeros(1, len(JOINTS), 4, dtype=torch.float32)
    size = network.config.fine_size
    image = joints.new_zeros(1, 3, size, size)
    image = image.contiguous(memory_format=torch.channels_last)
    with torch.cuda.device_of(image):
        normals = RecordedCall(partial(mean_normals, network), image)
        front, back = normals(image)
        coarse = RecordedCall(_coarse(network), image, front, back, joints)
        fine = RecordedCall(_fine(network), image, front, back)
        chain, logits = _with_kernel(chain)
    return PifuhdEngine(network, dtype, image.device, normals, coarse, fine, chain, logits)


def _coarse(network: PifuhdNetwork) -> Stage:
    return lambda image, front, back, joints: (mean_coarse(network, image, front, back, joints),)


def _fine(network: PifuhdNetwork) -> Stage:
    return lambda image, front, back: (network.encode_fine(image, front, back),)


def _with_kernel(chain: PointChain) -> tuple[PointChain, Logits]:
    """The chain and what computes its logits; the kernel is compiled on the way.

    Float32 stays with the library's matrix products, as does an installation without triton.
    """
    if chain.dtype == torch.float32 or find_spec("triton") is None:
        return chain, chain.logits
    from pifuhd_ros.networks.point_kernel import run_chain

    packed, wide = pack_chain(chain), pad_terms(chain)

    def logits(terms: torch.Tensor, column: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return run_chain(packed, terms, column, z)

    device = packed.sums.device
    one_column = torch.zeros(1, dtype=torch.int64, device=device)
    features = [torch.zeros(1, len(weight), device=device) for weight in wide.term_weights]
    logits(wide.column_terms(features[0], features[1]), one_column, one_column.float())
    return wide, logits
