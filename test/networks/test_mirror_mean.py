"""The mean over an image and its mirror image: a mirrored person gets a mirrored answer."""

from __future__ import annotations

import pytest
import torch
from small_pifuhd import SMALL_HOURGLASS, SMALL_UNET, small_network

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.mirror_mean import mean_coarse, mean_normals
from pifuhd_ros.networks.pifuhd import PifuhdNetwork

MIRROR = torch.tensor([-1.0, 1, 1])[:, None, None]


@pytest.fixture(scope="module")
def network() -> PifuhdNetwork:
    """Our small one; what skeletons add begins with zeros."""
    network = small_network(SMALL_UNET)
    guide_head = network.netG.image_filter.guide_head
    torch.nn.init.normal_(guide_head.weight, generator=torch.Generator().manual_seed(2))
    return network


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    size = SMALL_UNET.fine_size
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope="module")
def joints() -> torch.Tensor:
    places = torch.rand(2, len(JOINTS), 3, generator=torch.Generator().manual_seed(3)) * 2 - 1
    return torch.cat([places, torch.ones(2, len(JOINTS), 1)], 2)


def in_a_mirror(joints: torch.Tensor) -> torch.Tensor:
    swap = {"left": "right", "right": "left"}
    names = [
        "_".join([swap.get(first, first), *rest])
        for first, *rest in (name.split("_") for name in JOINTS)
    ]
    return joints[:, [JOINTS.index(name) for name in names]] * torch.tensor([-1.0, 1, 1, 1])


@torch.no_grad()
def test_a_mirrored_person_gets_mirrored_normals(
    network: PifuhdNetwork, image: torch.Tensor
) -> None:
    for seen, mirrored, once in zip(
        mean_normals(network, image),
        mean_normals(network, image.flip(3)),
        network.estimate_normals(image),
        strict=True,
    ):
        torch.testing.assert_close(mirrored, seen.flip(3) * MIRROR, rtol=0, atol=1e-5)
        torch.testing.assert_close(seen.norm(dim=1), torch.ones_like(seen[:, 0]))
        assert (seen - once).abs().mean() > 0.01


@torch.no_grad()
def test_a_mirrored_person_gets_mirrored_features(
    network: PifuhdNetwork, image: torch.Tensor, joints: torch.Tensor
) -> None:
    front, back = network.estimate_normals(image)
    seen = mean_coarse(network, image, front, back, joints)
    turned = (maps.flip(3) * MIRROR for maps in (front, back))
    mirrored = mean_coarse(network, image.flip(3), *turned, in_a_mirror(joints))
    torch.testing.assert_close(mirrored, seen.flip(3), rtol=0, atol=1e-5)
    assert (mean_coarse(network, image, front, back, 0 * joints) - seen).abs().mean() > 1e-3
    assert (network.encode_coarse(image, front, back, joints) - seen).abs().mean() > 1e-3


@torch.no_grad()
def test_published_networks_are_asked_once(joints: torch.Tensor) -> None:
    network, size = small_network(SMALL_HOURGLASS), SMALL_HOURGLASS.fine_size
    image = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    front, back = mean_normals(network, image)
    expected = network.estimate_normals(image)
    assert torch.equal(front, expected[0])
    assert torch.equal(back, expected[1])
    coarse = mean_coarse(network, image, front, back, joints)
    assert torch.equal(coarse, network.encode_coarse(image, front, back, joints))
