"""Networks to files and back: our safetensors, and the published checkpoint."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pifuhd_ros.networks.config_json import config_from_json, config_to_json
from pifuhd_ros.networks.eight_bit import from_eight_bits, to_eight_bits
from pifuhd_ros.networks.phorhum import PhorhumConfig, PhorhumNetwork
from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork
from pifuhd_ros.networks.published import read_published
from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig
from pifuhd_ros.types.errors import WeightsError

_MAX_PARAMETERS = 1_000_000_000

Network = PifuhdNetwork | PhorhumNetwork
"""Of any system."""
_Network = TypeVar("_Network", PifuhdNetwork, PhorhumNetwork)
_Config = TypeVar("_Config", PifuhdConfig, PhorhumConfig)


def default_weights_path(name: str = "pifuhd-lite") -> Path:
    """Where the package keeps the weights of that name that it ships."""
    return Path(str(resources.files("pifuhd_ros"))) / "weights" / f"{name}.safetensors"


def save_weights(path: str | os.PathLike[str], network: Network, *, exact: bool = False) -> None:
    """Write a network and its config to a safetensors file, replacing it in one step.

    Args:
        path: the file; its folder exists.
        network: what to write.
        exact: in float32; else in a quarter of that, see ``to_eight_bits``.

    Raises:
        WeightsError: a value is not finite, or too large for float16.
    """
    tensors = {name: value.detach().cpu().float() for name, value in _own_tensors(network)}
    tensors = tensors if exact else to_eight_bits(tensors)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise WeightsError(
                f"{name} has values that are not finite in {tensor.dtype}; nothing written"
            )
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        partial,
        metadata={"config": config_to_json(network.config)},
    )
    partial.replace(path)


def load_network(path: str | os.PathLike[str] | None = None) -> PifuhdNetwork:
    """Read a network: float32, on the CPU, in evaluation mode.

    Args:
        path: a file of save_weights, or the published checkpoint (``pifuhd.pt``); None: the weights
            that the package ships.

    Raises:
        WeightsError: the file is missing, damaged, unsafe, too large, or does not fit its config.
    """
    file = default_weights_path() if path is None else Path(path)
    head = _head_of(file, path is None, "this package or the published pifuhd.pt")
    if head[8:9] == b"{":
        config, tensors = _read_safetensors(file, PifuhdConfig)
    elif head[:2] in (b"PK", b"\x80\x02"):
        config, tensors = read_published(file)
    else:
        raise WeightsError(
            f"{file} is neither a safetensors file nor a PyTorch checkpoint, or it was cut off"
        )
    for part in (config.normals, config.coarse_filter, config.fine_filter):
        _check_trunk(file, part)
    network = _without_memory(file, lambda: PifuhdNetwork(config))
    return _filled(file, network, tensors, aliases=head[8:9] != b"{")


def load_phorhum(path: str | os.PathLike[str] | None = None) -> PhorhumNetwork:
    """Read a PHORHUM network: float32, on the CPU, in evaluation mode.

    Args:
        path: a file of save_weights; None: the weights that the package ships.

    Raises:
        WeightsError: as of ``load_network``.
    """
    file = default_weights_path("phorhum-lite") if path is None else Path(path)
    if _head_of(file, path is None, "this package")[8:9] != b"{":
        raise WeightsError(f"{file} is no safetensors file, or it was cut off")
    config, tensors = _read_safetensors(file, PhorhumConfig)
    _check_trunk(file, config.trunk)
    network = _without_memory(file, lambda: PhorhumNetwork(config))
    return _filled(file, network, tensors, aliases=False)


def holds_phorhum(path: str | os.PathLike[str]) -> bool:
    """Whether a file of save_weights is PHORHUM's; False for anything else, damaged or not."""
    try:
        with safe_open(path, framework="pt", device="cpu") as stream:
            config_from_json(PhorhumConfig, (stream.metadata() or {}).get("config", ""))
    except (OSError, SafetensorError, ValueError):
        return False
    return True


def _head_of(file: Path, is_default: bool, allowed: str) -> bytes:
    """The first bytes of a weights file."""
    if not file.is_file():
        hint = (
            "this installation lacks the default weights: install the package again, or give a file"
            if is_default
            else f"give a .safetensors file of {allowed}"
        )
        raise WeightsError(f"no weights at {file}: {hint}")
    try:
        with file.open("rb") as stream:
            return stream.read(9)
    except OSError as error:
        raise WeightsError(f"cannot read {file}: {error.strerror}") from error


def _own_tensors(network: Network) -> list[tuple[str, torch.Tensor]]:
    """Every tensor once, under its first name (the checkpoint has some under two)."""
    return [*network.named_parameters(), *network.named_buffers()]


def _read_safetensors(file: Path, kind: type[_Config]) -> tuple[_Config, dict[str, torch.Tensor]]:
    try:
        with safe_open(file, framework="pt", device="cpu") as stream:
            metadata = stream.metadata() or {}
            if "config" not in metadata:
                raise WeightsError("not written by this package: its metadata has no config")
            config = config_from_json(kind, metadata["config"])
            stored = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        tensors = from_eight_bits(stored)
    except SafetensorError as error:
        raise WeightsError(f"{file} is damaged or was cut off: {error}") from error
    except WeightsError as error:
        raise WeightsError(f"{file}: {error}") from error
    except ValueError as error:
        raise WeightsError(f"{file}: {error}") from error
    return config, tensors


def _check_trunk(file: Path, trunk: object) -> None:
    if isinstance(trunk, ShuffleUNetConfig) and sum(trunk.blocks) > 64:
        raise WeightsError(f"{file}: a trunk of {sum(trunk.blocks)} blocks, at most 64 are read")


def _without_memory(file: Path, build: Callable[[], _Network]) -> _Network:
    """A network whose sizes cost no memory before the tensors of the file are found to fit it."""
    try:
        with torch.device("meta"):
            return build()
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        raise WeightsError(f"{file}: no network has these sizes: {error}") from error


def _filled(
    file: Path, network: _Network, tensors: dict[str, torch.Tensor], *, aliases: bool
) -> _Network:
    """A network without memory made of exactly ``tensors``, which must fit it.

    ``aliases``: tensors that the network knows by two names are in the file under both.
    """
    count = sum(parameter.numel() for parameter in network.parameters())
    if count > _MAX_PARAMETERS:
        raise WeightsError(f"{file}: {count} parameters, at most {_MAX_PARAMETERS} are read")

    expected = network.state_dict() if aliases else dict(_own_tensors(network))
    missing = sorted(set(expected) - set(tensors))
    unexpected = sorted(set(tensors) - set(expected))
    if missing or unexpected:
        raise WeightsError(
            f"{file} does not fit its config: missing {_listed(missing)}, "
            f"unexpected {_listed(unexpected)}"
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape or not tensor.is_floating_point():
            raise WeightsError(
                f"{file}: {name} is {tensor.dtype} {tuple(tensor.shape)}, "
                f"expected floating point {tuple(expected[name].shape)}"
            )
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{file}: {name} has values that are not finite")
    network.load_state_dict(
        {name: tensor.float() for name, tensor in tensors.items()}, strict=False, assign=True
    )
    return network.eval()


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown or "none"
