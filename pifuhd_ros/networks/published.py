"""The published PIFuHD checkpoint: a pickle with options and tensors."""

from __future__ import annotations

import argparse
import pickle
import re
import zipfile
from pathlib import Path
from typing import Literal

import torch

from pifuhd_ros.networks.global_generator import GlobalGeneratorConfig
from pifuhd_ros.networks.hourglass import HourglassConfig
from pifuhd_ros.networks.pifuhd import PifuhdConfig
from pifuhd_ros.networks.point_mlp import PointMlpConfig
from pifuhd_ros.types.errors import WeightsError

_MAX_SIZE = 4096


def read_published(file: Path) -> tuple[PifuhdConfig, dict[str, torch.Tensor]]:
    """Config and tensors of a checkpoint in the published layout.

    The pickle is read without running anything in it: only tensors, plain containers and
    argparse.Namespace are allowed. Sizes come from its options ``opt`` (fine level) and
    ``opt_netG`` (coarse level); what the options do not tell (the normal networks, the hourglass's
    channels) is the same in every such checkpoint.

    Raises:
        WeightsError: the pickle is damaged or holds anything else, or an option is missing or asks
            for what the published inference does not use.
    """
    checkpoint = _unpickle(file)
    fine, coarse, state = (
        _entry(checkpoint, name, file) for name in ("opt", "opt_netG", "model_state_dict")
    )
    if not isinstance(fine, argparse.Namespace) or not isinstance(coarse, argparse.Namespace):
        raise WeightsError(f"{file}: opt and opt_netG must be argparse.Namespace")
    if not isinstance(state, dict) or not all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in state.items()
    ):
        raise WeightsError(f"{file}: model_state_dict must map names to tensors")
    try:
        return config_from_options(fine, coarse), dict(state)
    except ValueError as error:
        raise WeightsError(f"{file}: {error}") from error


def _unpickle(file: Path) -> object:
    try:
        if zipfile.is_zipfile(file):
            _check_stored(file)
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(file, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except pickle.UnpicklingError as error:
        refused = re.search(r"(GLOBAL|Unsupported \w+)[^.]*\.\S*", str(error))
        what = refused.group(0) if refused else "an unreadable pickle"
        raise WeightsError(
            f"{file} was refused: it holds more than tensors and options, or is damaged ({what})"
        ) from error
    except Exception as error:  # A damaged file can fail in any way inside the reader.
        raise WeightsError(f"{file} is damaged or was cut off: {error!s:.200}") from error


def _check_stored(file: Path) -> None:
    """Refuse compressed entries: PyTorch writes none, and they could unfold to any size."""
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise WeightsError(f"{file} was refused: its entry {entry.filename} is compressed")


def _entry(checkpoint: object, name: str, file: Path) -> object:
    if not isinstance(checkpoint, dict) or name not in checkpoint:
        raise WeightsError(f"{file} is no PIFuHD checkpoint: it has no {name}")
    return checkpoint[name]


def config_from_options(fine: argparse.Namespace, coarse: argparse.Namespace) -> PifuhdConfig:
    """The sizes that ``opt`` (fine) and ``opt_netG`` (coarse) stand for.

    Raises:
        ValueError: names the option that is missing or cannot be used.
    """
    for name in ("use_front_normal", "use_back_normal"):
        if getattr(coarse, name, None) is not True:
            raise ValueError(f"opt_netG.{name} is not True: only the network with normals is read")
    load_size = _int(coarse, "loadSize", "opt_netG")
    coarse_mlp = _mlp(coarse, "opt_netG")
    merge = getattr(coarse, "merge_layer", None)
    if not isinstance(merge, int) or isinstance(merge, bool):
        raise ValueError(f"opt_netG.merge_layer is {merge!s:.80}, expected an integer")
    # A merge_layer of 0 or below stands for the middle layer in the published code.
    phi_layer = merge if merge > 0 else len(coarse_mlp.channels) // 2
    return PifuhdConfig(
        name="pifuhd",
        fine_size=_int(fine, "loadSizeBig", "opt"),
        coarse_size=load_size,
        normals=GlobalGeneratorConfig(),
        coarse_filter=_filter(coarse, "opt_netG", _downsampling(coarse)),
        # The published code builds the fine filter without downsampling, whatever hg_down says.
        fine_filter=_filter(fine, "opt", "none"),
        coarse_mlp=PointMlpConfig(coarse_mlp.channels, coarse_mlp.skips, phi_layer),
        fine_mlp=_mlp(fine, "opt"),
        depth_scale=load_size // 2 / _positive(coarse, "z_size", "opt_netG"),
    )


def _filter(
    options: argparse.Namespace, where: str, downsampling: Literal["average", "none"]
) -> HourglassConfig:
    norm = getattr(options, "norm", None)
    if norm != "group":
        raise ValueError(f"{where}.norm is {norm!s:.80}: only 'group' is read")
    return HourglassConfig(
        in_channels=9,
        out_channels=_int(options, "hg_dim", where),
        stacks=_int(options, "num_stack", where),
        depth=_int(options, "hg_depth", where),
        downsampling=downsampling,
    )


def _downsampling(options: argparse.Namespace) -> Literal["average", "none"]:
    value = getattr(options, "hg_down", None)
    if value == "ave_pool":
        return "average"
    if value == "no_down":
        return "none"
    raise ValueError(f"opt_netG.hg_down is {value!s:.80}, expected 'ave_pool' or 'no_down'")


def _mlp(options: argparse.Namespace, where: str) -> PointMlpConfig:
    norm = getattr(options, "mlp_norm", None)
    if not isinstance(norm, str) or norm in ("batch", "group"):
        raise ValueError(f"{where}.mlp_norm is {norm!s:.80}: only an MLP without norms is read")
    return PointMlpConfig(
        channels=_ints(options, "mlp_dim", where), skips=_ints(options, "mlp_res_layers", where)
    )


def _int(options: argparse.Namespace, name: str, where: str) -> int:
    return _size(getattr(options, name, None), f"{where}.{name}")


def _ints(options: argparse.Namespace, name: str, where: str) -> tuple[int, ...]:
    values = getattr(options, name, None)
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"{where}.{name} is {values!s:.80}, expected a list")
    return tuple(_size(value, f"an entry of {where}.{name}") for value in values)


def _size(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_SIZE:
        raise ValueError(f"{what} is {value!s:.80}, expected an integer from 1 to {_MAX_SIZE}")
    return value


def _positive(options: argparse.Namespace, name: str, where: str) -> float:
    value = getattr(options, name, None)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 1 <= value <= 1e6:
        raise ValueError(f"{where}.{name} is {value!s:.80}, expected a number from 1 to 10^6")
    return float(value)
