"""The published network's numbers, reproduced.

The reference folder beside the checkout holds outputs of the published code for weights filled by
a rule; this test fills ours the same way. It needs about 5 GB of memory and half a minute.
"""

from __future__ import annotations

import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.nn import functional as F

from pifuhd_ros.fields.engine import prepare_engine
from pifuhd_ros.fields.pifuhd import PifuhdField
from pifuhd_ros.networks.pifuhd import PUBLISHED, PifuhdNetwork

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "pifuhd"
MEMORY_GB = 5

pytestmark = pytest.mark.skipif(
    not (REFERENCE / "golden.npz").is_file(), reason="needs ../shared/reference/pifuhd"
)


def test_key_list_is_the_published_one() -> None:
    with torch.device("meta"):
        state = PifuhdNetwork(PUBLISHED).state_dict()
    ours = [
        f"{name}\t{'x'.join(map(str, tensor.shape))}\t{str(tensor.dtype).removeprefix('torch.')}"
        for name, tensor in state.items()
    ]
    header, *published = (REFERENCE / "state_dict.tsv").read_text().splitlines()
    assert header == "key\tshape\tdtype"
    assert len(published) == 764
    assert ours == published


def test_parameter_count() -> None:
    with torch.device("meta"):
        network = PifuhdNetwork(PUBLISHED)
    assert sum(p.numel() for p in network.parameters()) == 387_049_625


def filled_network() -> PifuhdNetwork:
    """The published network with the weights of the reference's rule."""
    with torch.device("meta"):
        network = PifuhdNetwork(PUBLISHED)
    network.to_empty(device="cpu")
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            key = name.replace("downsample.0", "bn4")
            generator = torch.Generator().manual_seed(zlib.crc32(key.encode()))
            values = torch.randn(tensor.shape, generator=generator)
            if tensor.dim() >= 2:
                values *= math.sqrt(2 / math.prod(tensor.shape[1:]))
            else:
                values *= 0.1
                values += 1.0 if name.endswith(".weight") else 0.0
            tensor.copy_(values)
    return network.eval()


@dataclass(frozen=True)
class Case:
    """The reference and what our network makes of its image and points."""

    golden: dict[str, npt.NDArray[np.float32]]
    ours: dict[str, torch.Tensor]
    field: PifuhdField
    points: torch.Tensor


def fine_normals(
    network: PifuhdNetwork, coarse: torch.Tensor, fine: torch.Tensor, points: torch.Tensor
) -> torch.Tensor:
    """Outward normals (3, N): minus the forward differences of the occupancy.

    In float64: the differences are so small that float32 would add its rounding to the reference's.
    """
    mlps = (network.netG.mlp, network.mlp)
    for mlp in mlps:
        mlp.double()
    coarse, fine, points = coarse.double(), fine.double(), points.double()

    def occupancy(at: torch.Tensor) -> torch.Tensor:
        phi = network.query_coarse(coarse, at)[1]
        return network.query_fine(fine, phi, at)[0].sigmoid()

    steps = torch.eye(3, dtype=torch.float64) * 1e-3
    gradient = torch.stack([occupancy(points + step) - occupancy(points) for step in steps])
    for mlp in mlps:
        mlp.float()
    return F.normalize(-gradient, dim=0, eps=1e-8).float()


@pytest.fixture(scope="module")
def case() -> Case:
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    if available < MEMORY_GB:
        pytest.skip(f"needs {MEMORY_GB} GB of free memory, there are {available:.1f}")
    with np.load(REFERENCE / "golden.npz") as archive:
        golden = dict(archive)
    network = filled_network()
    image = (torch.from_numpy(golden["rgb1024"]).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5
    points = torch.from_numpy(golden["points"]).T[None].contiguous()
    with torch.no_grad():
        # The reference made its coarse image by taking every other pixel.
        small = image[:, :, ::2, ::2]
        front, back = network.estimate_normals(small)
        coarse = network.encode_coarse(small, front, back)
        fine = network.encode_fine(image, front, back)
        coarse_logits, phi = network.query_coarse(coarse, points)
        fine_logits = network.query_fine(fine, phi, points)
        inside = points[0].abs() <= 1
        ours = {
            "normal_front": front[0, :, ::8, ::8],
            "normal_back": back[0, :, ::8, ::8],
            "coarse_features": coarse[0, ::16, ::8, ::8],
            "fine_features": fine[0, :, ::32, ::32],
            "coarse_occupancy": coarse_logits[0].sigmoid() * inside.all(1),
            "fine_occupancy": fine_logits[0].sigmoid() * inside[:, :2].all(1),
            "coarse_phi": phi[0, ::16, :64],
            "surface_normals_256": fine_normals(network, coarse, fine, points[:, :256]),
        }
    return Case(golden, ours, PifuhdField(prepare_engine(network), coarse, fine), points[0])


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("normal_front", 2e-4),
        ("normal_back", 2e-4),
        ("coarse_features", 2e-4),
        ("fine_features", 2e-4),
        ("coarse_occupancy", 1e-4),
        ("fine_occupancy", 1e-4),
        ("coarse_phi", 2e-4),
        # The reference's own rounding over a step of 1e-3.
        ("surface_normals_256", 2e-3),
    ],
)
def test_array_is_reproduced(case: Case, name: str, tolerance: float) -> None:
    golden, ours = case.golden[name], case.ours[name].numpy()
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= tolerance


def test_every_array_of_the_reference_is_tested(case: Case) -> None:
    assert set(case.golden) == set(case.ours) | {"rgb1024", "points"}


def test_field_gives_the_fine_occupancy(case: Case) -> None:
    got = case.field.query(case.points).numpy()
    assert np.abs(got - case.golden["fine_occupancy"]).max() <= 1e-4
    assert (got == 0).sum() == (case.points[:, :2].abs() > 1).any(1).sum()
