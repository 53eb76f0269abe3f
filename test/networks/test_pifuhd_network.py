"""The network's interface: shapes, gradients, errors, and what its outputs mean."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from small_pifuhd import SMALL_HOURGLASS, SMALL_UNET, small_network

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.pifuhd import LITE, PUBLISHED, PifuhdConfig, PifuhdNetwork

CONFIGS = pytest.mark.parametrize("config", [SMALL_HOURGLASS, SMALL_UNET], ids=lambda c: c.name)


def image_and_points(
    config: PifuhdConfig, batch: int = 2, count: int = 7
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    size = config.fine_size
    image = torch.rand(batch, 3, size, size, generator=generator) * 2 - 1
    return image, torch.rand(batch, count, 3, generator=generator) * 2 - 1


def everything(
    network: PifuhdNetwork, image: torch.Tensor, points: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    front, back = network.estimate_normals(image)
    coarse = network.encode_coarse(image, front, back)
    fine = network.encode_fine(image, front, back)
    coarse_logits, phi = network.query_coarse(coarse, points)
    return front, back, coarse, fine, coarse_logits, phi, network.query_fine(fine, phi, points)


@CONFIGS
def test_shapes(config: PifuhdConfig) -> None:
    outputs = everything(small_network(config), *image_and_points(config))
    assert [tuple(x.shape) for x in outputs] == [
        (2, 3, 32, 32),
        (2, 3, 32, 32),
        (2, 6, 8, 8),
        (2, 5, 32, 32),
        (2, 7),
        (2, 8, 7),
        (2, 7),
    ]


@CONFIGS
def test_batch_entries_do_not_mix(config: PifuhdConfig) -> None:
    network = small_network(config)
    image, points = image_and_points(config)
    together = everything(network, image, points)
    alone = everything(network, image[1:], points[1:])
    for both, one in zip(together, alone, strict=True):
        torch.testing.assert_close(both[1:], one, rtol=1e-4, atol=1e-5)


@CONFIGS
def test_gradient_reaches_every_parameter_that_is_used(config: PifuhdConfig) -> None:
    network = small_network(config).train()
    outputs = everything(network, *image_and_points(config))
    (outputs[4].square().mean() + outputs[6].square().mean()).backward()
    without = {name for name, p in network.named_parameters() if p.grad is None}
    # The checkpoint holds a bn4 in every block; blocks without a projection do not use it.
    assert {name for name in without if ".bn4." not in name} == set()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_the_coarse_level_sees_the_skeleton() -> None:
    network = small_network(SMALL_UNET)
    torch.nn.init.normal_(network.netG.image_filter.guide_head.weight)
    image, _ = image_and_points(SMALL_UNET)
    front, back = network.estimate_normals(image)
    joints = torch.rand(2, len(JOINTS), 4, generator=torch.Generator().manual_seed(2)) - 0.5
    joints[..., 3] = 1
    seen = network.encode_coarse(image, front, back, joints)
    unknown = network.encode_coarse(image, front, back)
    assert (seen - unknown).abs().mean() > 0.1
    joints[..., 3] = 0
    assert torch.equal(network.encode_coarse(image, front, back, joints), unknown)


def test_only_the_coarse_level_is_guided() -> None:
    guided = dataclasses.replace(SMALL_UNET.fine_filter, out_stride=4, guide_channels=13)
    with pytest.raises(ValueError, match=r"fine_filter.guide_channels is 13, allowed: 0"):
        dataclasses.replace(SMALL_UNET, fine_filter=guided)


def test_unet_normals_are_unit_vectors() -> None:
    front, back = small_network(SMALL_UNET).estimate_normals(image_and_points(SMALL_UNET)[0])
    for normals in (front, back):
        torch.testing.assert_close(normals.norm(dim=1), torch.ones(2, 32, 32))
    assert not torch.allclose(front, back)


def test_generator_normals_are_as_they_come() -> None:
    front, _ = small_network(SMALL_HOURGLASS).estimate_normals(image_and_points(SMALL_HOURGLASS)[0])
    lengths = front.norm(dim=1)
    assert (lengths - 1).abs().max() > 0.1
    assert front.abs().max() <= 1


@CONFIGS
def test_an_image_at_coarse_size_is_taken_as_it_is(config: PifuhdConfig) -> None:
    network = small_network(config)
    image, _ = image_and_points(config)
    averaged = image.reshape(2, 3, 32, 2, 32, 2).mean((3, 5))
    for a, b in zip(
        network.estimate_normals(image), network.estimate_normals(averaged), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4)


def test_coarse_logits_depend_on_depth_and_on_the_image() -> None:
    network = small_network(SMALL_UNET)
    image, points = image_and_points(SMALL_UNET)
    before = everything(network, image, points)[4]
    moved = everything(network, image, points + torch.tensor([0, 0, 0.3]))[4]
    other = everything(network, -image, points)[4]
    assert (before - moved).abs().max() > 1e-4
    assert (before - other).abs().max() > 1e-4


@pytest.mark.parametrize(
    "shape", [(2, 3, 48, 48), (2, 4, 64, 64), (3, 64, 64), (2, 3, 64, 32)], ids=str
)
def test_wrong_image_shape_is_told(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(B, 3, 64, 64\) or \(B, 3, 32, 32\), got"):
        small_network(SMALL_UNET).estimate_normals(torch.zeros(shape))


def test_normals_of_another_size_are_told() -> None:
    image = torch.zeros(1, 3, 64, 64)
    network = small_network(SMALL_UNET)
    for encode in (network.encode_coarse, network.encode_fine):
        with pytest.raises(ValueError, match=r"expected \(B, 3, 32, 32\), got \(1, 3, 64, 64\)"):
            encode(image, image, image)


def test_wrong_points_are_told() -> None:
    network = small_network(SMALL_UNET)
    with pytest.raises(ValueError, match="expected features"):
        network.query_coarse(torch.zeros(1, 6, 8, 8), torch.zeros(5, 3))


@pytest.mark.parametrize(
    "change",
    [
        {"fine_size": 65},
        {"coarse_size": 0},
        {"normals": dataclasses.replace(SMALL_UNET.normals, out_channels=3)},
        {"coarse_filter": dataclasses.replace(SMALL_UNET.coarse_filter, out_channels=7)},
        {"fine_filter": dataclasses.replace(SMALL_UNET.fine_filter, in_channels=3)},
        {"coarse_mlp": dataclasses.replace(SMALL_UNET.coarse_mlp, phi_layer=None)},
        {"coarse_mlp": dataclasses.replace(SMALL_UNET.coarse_mlp, phi_layer=1)},
    ],
    ids=lambda change: ",".join(change),
)
def test_sizes_that_do_not_fit_together_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"fine_size|ask for|phi_layer"):
        dataclasses.replace(SMALL_UNET, **change)


@pytest.mark.parametrize("config", [LITE, PUBLISHED], ids=lambda c: c.name)
def test_our_configs_can_be_built(config: PifuhdConfig) -> None:
    with torch.device("meta"):
        assert PifuhdNetwork(config).config is config
