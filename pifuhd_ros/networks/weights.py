"""Networks to files and back: our safetensors, and the published checkpoint."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pifuhd_ros.networks.config_json import config_from_json, config_to_json
from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork
from pifuhd_ros.networks.published import read_published
from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig
from pifuhd_ros.types.errors import WeightsError

_MAX_PARAMETERS = 1_000_000_000


def default_weights_path() -> Path:
    """Where the package keeps the weights that it ships."""
    return Path(str(resources.files("pifuhd_ros"))) / "weights" / "pifuhd-lite.safetensors"


def save_weights(
    path: str | os.PathLike[str], network: PifuhdNetwork, dtype: torch.dtype = torch.float16
) -> None:
    """Write a network and its config to a safetensors file, replacing it in one step.

    Args:
        path: the file; its folder exists.
        network: what to write.
        dtype: floating-point type of the tensors in the file.

    Raises:
        WeightsError: a value is not finite in ``dtype``.
    """
    tensors = {name: value.detach().to("cpu", dtype) for name, value in _own_tensors(network)}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{name} has values that are not finite in {dtype}; nothing written")
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
    if not file.is_file():
        hint = (
            "this installation lacks the default weights: install the package again, or give a file"
            if path is None
            else "give a .safetensors file of this package or the published pifuhd.pt"
        )
        raise WeightsError(f"no weights at {file}: {hint}")
    try:
        with file.open("rb") as stream:
            head = stream.read(9)
    except OSError as error:
        raise WeightsError(f"cannot read {file}: {error.strerror}") from error
    if head[8:9] == b"{":
        return _assemble(file, *_read_safetensors(file), aliases=False)
    if head[:2] in (b"PK", b"\x80\x02"):
        return _assemble(file, *read_published(file), aliases=True)
    raise WeightsError(
        f"{file} is neither a safetensors file nor a PyTorch checkpoint, or it was cut off"
    )


def _own_tensors(network: PifuhdNetwork) -> list[tuple[str, torch.Tensor]]:
    """Every tensor once, under its first name (the checkpoint has some under two)."""
    return [*network.named_parameters(), *network.named_buffers()]


def _read_safetensors(file: Path) -> tuple[PifuhdConfig, dict[str, torch.Tensor]]:
    try:
        with safe_open(file, framework="pt", device="cpu") as stream:
            metadata = stream.metadata() or {}
            if "config" not in metadata:
                raise WeightsError(
                    f"{file} was not written by this package: its metadata has no config"
                )
            config = config_from_json(PifuhdConfig, metadata["config"])
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(f"{file} is damaged or was cut off: {error}") from error
    except ValueError as error:
        raise WeightsError(f"{file}: {error}") from error
    return config, tensors


def _assemble(
    file: Path, config: PifuhdConfig, tensors: dict[str, torch.Tensor], *, aliases: bool
) -> PifuhdNetwork:
    """The network of ``config`` made of exactly ``tensors``.

    ``aliases``: tensors that the network knows by two names are in the file under both.

    The network is laid out without memory first, so that no size in a file costs any before the
    tensors are found to fit it.
    """
    for part in (config.normals, config.coarse_filter, config.fine_filter):
        if isinstance(part, ShuffleUNetConfig) and sum(part.blocks) > 64:
            raise WeightsError(f"{file}: a trunk of {sum(part.blocks)} blocks, at most 64 are read")
    try:
        with torch.device("meta"):
            network = PifuhdNetwork(config)
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        raise WeightsError(f"{file}: no network has these sizes: {error}") from error
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
