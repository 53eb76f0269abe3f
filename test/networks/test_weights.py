"""Weights files: our own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_pifuhd import SMALL_HOURGLASS, SMALL_UNET, small_network

from pifuhd_ros.networks import weights
from pifuhd_ros.networks.config_json import config_to_json
from pifuhd_ros.networks.pifuhd import PifuhdConfig
from pifuhd_ros.networks.weights import load_network, save_weights
from pifuhd_ros.types.errors import WeightsError

CONFIGS = pytest.mark.parametrize("config", [SMALL_HOURGLASS, SMALL_UNET], ids=lambda c: c.name)
META = {"config": config_to_json(SMALL_UNET)}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_weights(path, small_network(SMALL_UNET))
    return path


@CONFIGS
def test_round_trip_is_exact_in_float32(config: PifuhdConfig, tmp_path: Path) -> None:
    network = small_network(config)
    save_weights(tmp_path / "w.safetensors", network, exact=True)
    loaded = load_network(tmp_path / "w.safetensors")
    assert loaded.config == config
    assert not loaded.training
    assert list(loaded.state_dict()) == list(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_default_is_small_in_the_file_and_single_precision_in_memory(saved: Path) -> None:
    network = small_network(SMALL_UNET)
    loaded = load_network(saved)
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert list(saved.parent.iterdir()) == [saved]
    assert saved.stat().st_size < 1.6 * sum(p.numel() for p in network.parameters())
    for (name, given), read in zip(network.named_parameters(), loaded.parameters(), strict=True):
        assert (given - read).norm() <= 0.01 * given.norm(), name


def test_loaded_network_can_be_trained_and_saved_again(saved: Path, tmp_path: Path) -> None:
    network = load_network(str(saved)).train()
    front, back = network.estimate_normals(torch.zeros(1, 3, 64, 64))
    (front + back).sum().backward()
    save_weights(tmp_path / "again.safetensors", network)
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


def test_values_beyond_half_precision_are_not_written(tmp_path: Path) -> None:
    network = small_network(SMALL_UNET)
    with torch.no_grad():
        network.mlp.filters[0].bias[0] = 1e6
    with pytest.raises(WeightsError, match=r"mlp\.filters\.0\.bias"):
        save_weights(tmp_path / "w.safetensors", network)
    assert list(tmp_path.iterdir()) == []


def test_missing_and_unexpected_tensors_are_named(saved: Path) -> None:
    tensors = load_file(saved)
    tensors["extra.weight"] = tensors.pop("mlp.filters.0.weight")
    save_file(tensors, saved, metadata=META)
    with pytest.raises(
        WeightsError, match=r"missing mlp\.filters\.0\.weight, unexpected extra\.weight"
    ):
        load_network(saved)


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (torch.zeros(3, 3), r"expected floating point \(16, 13, 1\)"),
        (torch.zeros(16, 13, 1, dtype=torch.int32), "torch.int32"),
        (torch.full((16, 13, 1), torch.nan), "not finite"),
    ],
    ids=["shape", "dtype", "nan"],
)
def test_tensors_that_do_not_fit(saved: Path, replacement: torch.Tensor, message: str) -> None:
    tensors = load_file(saved)
    tensors["mlp.filters.0.weight"] = replacement
    save_file(tensors, saved, metadata=META)
    with pytest.raises(WeightsError, match=message):
        load_network(saved)


def test_another_config_is_told(saved: Path) -> None:
    other = dataclasses.replace(
        SMALL_UNET, normals=dataclasses.replace(SMALL_UNET.normals, widths=(8, 24))
    )
    save_file(load_file(saved), saved, metadata={"config": config_to_json(other)})
    with pytest.raises(WeightsError, match=r"netG\.normals"):
        load_network(saved)


def test_monstrous_sizes_are_refused_before_memory_is_taken(saved: Path) -> None:
    trunk = dataclasses.replace(
        SMALL_UNET.normals, widths=(4096, 4096, 4096), blocks=(20, 20, 20), groups=8
    )
    for normals, message in (
        (trunk, "parameters, at most"),
        (dataclasses.replace(trunk, blocks=(30, 30, 30)), "90 blocks"),
        (dataclasses.replace(trunk, groups=0), "no network has these sizes"),
    ):
        config = config_to_json(dataclasses.replace(SMALL_UNET, normals=normals))
        save_file(load_file(saved), saved, metadata={"config": config})
        with pytest.raises(WeightsError, match=message):
            load_network(saved)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}], ids=str)
def test_foreign_safetensors(saved: Path, metadata: dict[str, str] | None) -> None:
    save_file(load_file(saved), saved, metadata=metadata)
    with pytest.raises(WeightsError, match="not written by this package"):
        load_network(saved)


def test_config_of_something_else(saved: Path) -> None:
    save_file(load_file(saved), saved, metadata={"config": '{"type": "Other"}'})
    with pytest.raises(WeightsError, match="must be an object of type PifuhdConfig"):
        load_network(saved)


def test_config_with_a_surprise(saved: Path) -> None:
    config = json.dumps({**json.loads(META["config"]), "surprise": 1})
    save_file(load_file(saved), saved, metadata={"config": config})
    with pytest.raises(WeightsError, match="surprise"):
        load_network(saved)


@pytest.mark.parametrize("keep", [0, 5, 9, 300, -1])
def test_cut_off(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(WeightsError, match="cut off"):
        load_network(saved)


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_text("hello, this is not a network")
    with pytest.raises(WeightsError, match="neither a safetensors file nor"):
        load_network(tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="no weights at"):
        load_network(tmp_path / "missing.safetensors")
    with pytest.raises(WeightsError, match="no weights at"):
        load_network(tmp_path)


def test_default_weights_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "default_weights_path", lambda: tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="lacks the default weights"):
        load_network()


def test_default_weights_are_the_lite_network() -> None:
    path = weights.default_weights_path()
    if not path.exists():
        pytest.skip("this checkout has no default weights yet")
    assert load_network().config.name == "pifuhd-lite"
    assert path.stat().st_size + path.with_name("joint-lifter.safetensors").stat().st_size < 14e6
    assert path.with_name("phorhum-lite.safetensors").stat().st_size < 8e6
