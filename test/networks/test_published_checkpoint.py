"""The published checkpoint's loader, on files of that structure with small sizes."""

from __future__ import annotations

import argparse
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pifuhd_ros.networks.global_generator import GlobalGeneratorConfig
from pifuhd_ros.networks.hourglass import HourglassConfig
from pifuhd_ros.networks.pifuhd import PUBLISHED, PifuhdConfig, PifuhdNetwork
from pifuhd_ros.networks.point_mlp import PointMlpConfig
from pifuhd_ros.networks.weights import load_network
from pifuhd_ros.types.errors import WeightsError

EXPECTED = PifuhdConfig(
    name="pifuhd",
    fine_size=64,
    coarse_size=32,
    normals=GlobalGeneratorConfig(),
    coarse_filter=HourglassConfig(9, 6, stacks=1, depth=1, downsampling="average"),
    fine_filter=HourglassConfig(9, 5, stacks=1, depth=1, downsampling="none"),
    coarse_mlp=PointMlpConfig((7, 12, 10, 8, 1), (2, 3), phi_layer=1),
    fine_mlp=PointMlpConfig((15, 9, 4, 1), (1,), phi_layer=None),
    depth_scale=0.16,
)


def options() -> tuple[dict[str, Any], dict[str, Any]]:
    """opt and opt_netG, with some of the options that have nothing to do with sizes."""
    common = {"norm": "group", "mlp_norm": "none", "hg_down": "ave_pool", "gpu_id": 0, "name": ""}
    common |= {"num_stack": 1, "hg_depth": 1, "learning_rate": 1e-3, "schedule": [10, 15]}
    fine = {"hg_dim": 5, "mlp_dim": [15, 9, 4, 1], "mlp_res_layers": [1], "merge_layer": -1}
    coarse = {"hg_dim": 6, "mlp_dim": [7, 12, 10, 8, 1], "mlp_res_layers": [2, 3]}
    coarse |= {"merge_layer": 1, "use_front_normal": True, "use_back_normal": True}
    coarse |= {"loadSize": 32, "z_size": 100.0}
    return {**common, **fine, "loadSizeBig": 64, "loadSize": 64}, {**common, **coarse}


def tensors() -> dict[str, torch.Tensor]:
    """Values for every name. Those of the normal networks, whose size no option changes, are one
    number each, spread over the shape without memory."""
    with torch.device("meta"):
        layout = PifuhdNetwork(EXPECTED).state_dict()
    generator = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}
    for name, tensor in layout.items():
        shape = (1,) if ".netF." in name or ".netB." in name else tensor.shape
        state[name] = torch.randn(shape, generator=generator).expand(tensor.shape)
    for name in state:
        if ".downsample.0." in name:
            state[name] = state[name.replace("downsample.0", "bn4")]
    return state


Change = Callable[[dict[str, Any], dict[str, Any], dict[str, torch.Tensor]], object]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(change: Change = lambda *_: None, **kwargs: Any) -> Path:
        fine, coarse = options()
        state = tensors()
        change(fine, coarse, state)
        checkpoint = {
            "opt": argparse.Namespace(**fine),
            "opt_netG": argparse.Namespace(**coarse),
            "model_state_dict": state,
        }
        torch.save(checkpoint, tmp_path / "pifuhd.pt", **kwargs)
        return tmp_path / "pifuhd.pt"

    return _write


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_sizes_and_values_come_from_the_file(write: Callable[..., Path], zipped: bool) -> None:
    network = load_network(write(_use_new_zipfile_serialization=zipped))
    assert network.config == EXPECTED
    expected = tensors()
    assert list(network.state_dict()) == list(expected)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert not network.training


def test_loaded_levels_compute(write: Callable[..., Path]) -> None:
    network = load_network(write())
    with torch.no_grad():
        image, normal = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 32, 32)
        coarse = network.encode_coarse(image, normal, normal)
        fine = network.encode_fine(image, normal, normal)
        points = torch.rand(1, 9, 3)
        logits = network.query_fine(fine, network.query_coarse(coarse, points)[1], points)
    assert logits.shape == (1, 9)
    assert logits.isfinite().all()
    assert logits.std() > 0


def test_published_options_give_the_published_config() -> None:
    """The options that stand for PUBLISHED, through a file without its 1.5 GB of values."""
    from pifuhd_ros.networks import published

    shared = {"norm": "group", "mlp_norm": "none"}
    fine = argparse.Namespace(
        **shared, num_stack=1, hg_depth=4, hg_dim=16, loadSizeBig=1024,
        mlp_dim=[272, 512, 256, 128, 1], mlp_res_layers=[1, 2], hg_down="ave_pool",
    )  # fmt: skip
    coarse = argparse.Namespace(
        **shared, num_stack=4, hg_depth=2, hg_dim=256, hg_down="ave_pool", loadSize=512,
        mlp_dim=[257, 1024, 512, 256, 128, 1], mlp_res_layers=[2, 3, 4], merge_layer=2,
        z_size=200.0, use_front_normal=True, use_back_normal=True,
    )  # fmt: skip
    assert published.config_from_options(fine, coarse) == PUBLISHED


def test_merge_layer_below_one_is_the_middle(write: Callable[..., Path]) -> None:
    def change(fine: Any, coarse: Any, state: Any) -> None:
        coarse["merge_layer"] = -1
        fine["mlp_dim"] = [13, 9, 4, 1]
        state["mlp.filters.0.weight"] = torch.zeros(9, 13, 1)
        state["mlp.filters.1.weight"] = torch.zeros(4, 22, 1)

    config = load_network(write(change)).config
    assert config.coarse_mlp == replace(EXPECTED.coarse_mlp, phi_layer=2)


@pytest.mark.parametrize(
    ("which", "name", "value", "message"),
    [
        ("opt", "num_stack", None, "opt.num_stack is None"),
        ("opt", "hg_dim", 10**9, "opt.hg_dim is 1000000000, expected an integer from 1 to 4096"),
        ("opt", "hg_dim", 7, "ask for"),
        ("opt", "norm", "batch", "opt.norm is batch: only 'group'"),
        ("opt", "mlp_norm", "group", "opt.mlp_norm is group"),
        ("opt", "loadSizeBig", 100, "does not divide"),
        ("opt_netG", "hg_down", "conv64", "opt_netG.hg_down is conv64"),
        ("opt_netG", "hg_depth", True, "opt_netG.hg_depth is True"),
        ("opt_netG", "hg_depth", 100, "depth 100"),
        ("opt_netG", "mlp_dim", [7, 12.5, 1], "opt_netG.mlp_dim is 12.5"),
        ("opt_netG", "mlp_dim", "7", "opt_netG.mlp_dim is 7, expected a list"),
        ("opt_netG", "mlp_res_layers", [9], "skips"),
        ("opt_netG", "merge_layer", "1", "opt_netG.merge_layer"),
        ("opt_netG", "merge_layer", 3, "phi_layer 3"),
        ("opt_netG", "use_back_normal", False, "opt_netG.use_back_normal is not True"),
        ("opt_netG", "z_size", 0.0, "opt_netG.z_size"),
    ],
)
def test_options_that_cannot_be_used(
    write: Callable[..., Path], which: str, name: str, value: Any, message: str
) -> None:
    def change(fine: dict[str, Any], coarse: dict[str, Any], state: Any) -> None:
        (fine if which == "opt" else coarse)[name] = value

    with pytest.raises(WeightsError, match=message):
        load_network(write(change))


def test_missing_option_is_an_error(write: Callable[..., Path]) -> None:
    with pytest.raises(WeightsError, match=r"opt_netG\.num_stack is None"):
        load_network(write(lambda fine, coarse, state: coarse.pop("num_stack")))


def test_missing_and_unexpected_keys_are_named(write: Callable[..., Path]) -> None:
    def change(fine: Any, coarse: Any, state: dict[str, torch.Tensor]) -> None:
        state["netG.extra"] = state.pop("image_filter.conv2.downsample.0.weight")

    with pytest.raises(
        WeightsError,
        match=r"missing image_filter\.conv2\.downsample\.0\.weight, unexpected netG\.extra",
    ):
        load_network(write(change))


def test_tensors_of_another_size(write: Callable[..., Path]) -> None:
    def change(fine: dict[str, Any], coarse: Any, state: Any) -> None:
        fine["mlp_dim"] = [15, 9, 5, 1]

    with pytest.raises(WeightsError, match=r"mlp\.filters\.1\.weight is .* \(4, 24, 1\)"):
        load_network(write(change))


class _Attack:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_malicious_pickle_runs_nothing(tmp_path: Path, zipped: bool) -> None:
    attack = {"opt": _Attack(f"touch {tmp_path / 'attacked'}")}
    torch.save(attack, tmp_path / "bad.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"was refused.*posix\.system"):
        load_network(tmp_path / "bad.pt")
    assert not (tmp_path / "attacked").exists()


def test_other_contents(tmp_path: Path) -> None:
    file = tmp_path / "other.pt"
    for contents, message in (
        ([1, 2], "is no PIFuHD checkpoint: it has no opt"),
        ({"opt": argparse.Namespace()}, "it has no opt_netG"),
        ({"opt": 1, "opt_netG": 2, "model_state_dict": {}}, "must be argparse.Namespace"),
        (
            {
                "opt": argparse.Namespace(),
                "opt_netG": argparse.Namespace(),
                "model_state_dict": {"a": 1},
            },
            "must map names to tensors",
        ),
    ):
        torch.save(contents, file)
        with pytest.raises(WeightsError, match=message):
            load_network(file)


@pytest.mark.parametrize("keep", [20, 0.5, 0.99])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_cut_off_checkpoint(write: Callable[..., Path], keep: float, zipped: bool) -> None:
    file = write(_use_new_zipfile_serialization=zipped)
    data = file.read_bytes()
    file.write_bytes(data[: int(keep if keep >= 1 else keep * len(data))])
    with pytest.raises(WeightsError, match="damaged"):
        load_network(file)


def test_compressed_entries_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.pt"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 1_000_000)
    with pytest.raises(WeightsError, match=r"archive/data\.pkl is compressed"):
        load_network(file)
