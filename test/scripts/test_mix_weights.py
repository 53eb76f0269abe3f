from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pifuhd_ros.networks.phorhum import PhorhumNetwork
from pifuhd_ros.networks.weights import default_weights_path, load_network, load_phorhum
from pifuhd_ros.types import WeightsError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def scripts_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")


def moved(by: float) -> PhorhumNetwork:
    network = load_phorhum()
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.add_(by)
    return network


def test_every_tensor_goes_its_share_of_the_way_the_longest_name_counts() -> None:
    from mix_weights import mix

    start = load_phorhum().state_dict()
    mixed = mix(load_phorhum(), moved(1.0), 0.25, {"point": 0.0, "point.albedo": 0.5})
    for name, tensor in mixed.state_dict().items():
        share = 0.25
        if name.startswith("point"):
            share = 0.5 if name.startswith("point.albedo") else 0.0
        torch.testing.assert_close(tensor, start[name] + share, msg=name)


def test_the_command_writes_what_loads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mix_weights

    shipped = str(default_weights_path())
    out = tmp_path / "mixed.safetensors"
    monkeypatch.setattr("sys.argv", ["mix_weights.py", shipped, shipped, str(out)])
    mix_weights.main()
    for name, tensor in load_network(out).state_dict().items():
        assert torch.equal(tensor, load_network().state_dict()[name]), name


def test_what_does_not_mix_is_refused() -> None:
    from mix_weights import mix

    with pytest.raises(WeightsError, match="different configs"):
        mix(load_phorhum(), load_network(), 0.5, {})
    with pytest.raises(WeightsError, match="begins with 'paint'"):
        mix(load_phorhum(), load_phorhum(), 0.5, {"paint": 1.0})
