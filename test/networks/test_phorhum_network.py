"""PHORHUM's network: shapes, the camera, derivatives, and files."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_phorhum import SMALL_PHORHUM

from pifuhd_ros.networks import weights
from pifuhd_ros.networks.bilinear import sample_twice_differentiable
from pifuhd_ros.networks.phorhum import (
    LITE,
    PAINTED,
    PUBLISHED,
    PhorhumFeatures,
    PhorhumNetwork,
)
from pifuhd_ros.networks.pifuhd import PifuhdNetwork
from pifuhd_ros.networks.sampling import sample_features
from pifuhd_ros.networks.shading import main_light_direction
from pifuhd_ros.networks.weights import load_network, load_phorhum, save_weights
from pifuhd_ros.types import WeightsError


@pytest.fixture
def network() -> PhorhumNetwork:
    torch.manual_seed(0)
    return PhorhumNetwork(SMALL_PHORHUM).eval()


def _points(count: int = 50) -> torch.Tensor:
    return torch.rand(2, count, 3, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8


def test_an_image_gives_features_and_points_answers(network: PhorhumNetwork) -> None:
    features = network.encode(torch.rand(2, 3, 64, 64) * 2 - 1)
    assert features.maps.shape == (2, 6, 16, 16)
    assert features.illumination.shape == (2, 4)
    distance, albedo = network.query(features, _points(), torch.tensor([0.0, 0.4]))
    assert distance.shape == (2, 50)
    assert albedo.shape == (2, 50, 3)
    assert albedo.min() >= 0
    assert albedo.max() <= 1
    shading = network.shade(torch.nn.functional.normalize(_points(), dim=-1), features.illumination)
    assert shading.shape == (2, 50, 3)
    assert shading.min() >= 0
    assert float(shading.detach().mean()) == pytest.approx(1, abs=0.3)


def test_nothing_lies_well_before_the_front_or_behind_the_back(
    network: PhorhumNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = network.encode(torch.rand(2, 3, 64, 64) * 2 - 1)
    sides = torch.tensor([0.2, -0.1])[:, None, None] * network.config.depth_scale
    features = features.with_depths(sides.expand(2, 2, 16, 16))
    points, straight = _points(), torch.zeros(2)
    distance, _ = network.query(features, points, straight)
    z = points[..., 2]
    beyond = torch.maximum(z - 0.2, -0.1 - z) - 0.05
    assert (distance >= beyond - 1e-5).all()
    monkeypatch.setattr("pifuhd_ros.networks.phorhum._SLACK", 10.0)
    free, _ = network.query(features, points, straight)
    allowed = beyond < free
    assert 0.2 < allowed.float().mean() < 0.8
    assert torch.equal(distance[allowed], free[allowed])


def test_the_trunk_sees_the_same_at_either_size(network: PhorhumNetwork) -> None:
    small = torch.rand(1, 3, 32, 32) * 2 - 1
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(network.encode(small).maps, network.encode(large).maps, atol=1e-5)
    with pytest.raises(ValueError, match="64 or 32"):
        network.encode(torch.zeros(1, 3, 48, 48))


def test_points_on_one_ray_see_one_pixel(network: PhorhumNetwork) -> None:
    """Only the position and its depth tell them apart: with these taken away they are equal."""
    features = network.encode(torch.rand(1, 3, 64, 64) * 2 - 1)
    near = torch.tensor([[[0.3, 0.2, 0.4]]])
    inverse = torch.tensor([0.5])
    seen = near[..., :2] / (1 - 0.4 * 0.5)
    far = torch.cat([seen * (1 + 0.3 * 0.5), torch.tensor([[[-0.3]]])], -1)
    pixels = [
        sample_twice_differentiable(features.pixels, p[..., :2] / (1 - p[..., 2:] * 0.5))
        for p in (near, far)
    ]
    assert torch.allclose(*pixels, atol=1e-6)
    box = torch.cat([seen, torch.tensor([[[0.4]]])], -1)
    assert torch.allclose(network.to_space(box, inverse), near, atol=1e-6)
    level = PhorhumNetwork(replace(SMALL_PHORHUM, camera="orthographic"))
    assert torch.equal(level.to_space(box, inverse), box)


def _painting() -> PhorhumNetwork:
    """Says of every pixel: front at z = 0.3, back at -0.3, no light, and paints nothing yet."""
    trunk = replace(SMALL_PHORHUM.trunk, out_channels=6 + PAINTED)
    config = replace(SMALL_PHORHUM, trunk=trunk, depth_scale=2.0, reads_light=True, paints=True)
    network = PhorhumNetwork(config).eval()
    with torch.no_grad():
        for parameter in (*network.trunk.head.parameters(), *network.shading.out.parameters()):
            parameter.zero_()
        network.trunk.head.bias.view(6 + PAINTED, -1)[:2] = torch.tensor([[0.6], [-0.6]])
    return network


def _paint(network: PhorhumNetwork, first: int, value: float) -> None:
    with torch.no_grad():
        network.trunk.head.bias.view(6 + PAINTED, -1)[6 + first : 9 + first] = value


def test_painted_shading_is_divided_out_of_the_photo() -> None:
    network = _painting()
    image = torch.full((1, 3, 64, 64), -0.2)
    plain = network.encode(image).pixels
    _paint(network, 0, math.log(0.8))
    assert torch.allclose(network.encode(image).pixels, plain / 0.8, atol=1e-5)


def test_points_see_the_photo_in_front_and_what_is_painted_behind() -> None:
    network = _painting()
    _paint(network, 3, 2.0)
    features = network.encode(torch.full((1, 3, 64, 64), -0.2))
    assert features.maps.shape[1] == 6
    assert torch.allclose(features.behind, torch.tensor(2.0).sigmoid())
    with torch.no_grad():
        network.point.albedo.weight.zero_()
        network.point.albedo.bias.copy_(torch.tensor([0.0] * 3 + [20.0] * 3))
    z = torch.tensor([0.5, 0.3, 0.0, -0.3, -0.5])
    points = torch.stack([0 * z, 0 * z, z], 1)[None]
    _, albedo = network.query(features, points, torch.zeros(1))
    front, back = features.pixels[0, 0, 0, 0], features.behind[0, 0, 0, 0]
    expected = torch.stack([front, front, (front + back) / 2, back, back])
    assert torch.allclose(albedo[0, :, 0], expected, atol=1e-4)


def test_light_is_read_without_painting() -> None:
    config = replace(SMALL_PHORHUM, depth_scale=2.0, reads_light=True)
    features = PhorhumNetwork(config).encode(torch.rand(1, 3, 64, 64))
    assert features.maps.shape[1] == 6
    assert features.behind.numel() == 0


def test_painting_needs_depths_and_light() -> None:
    with pytest.raises(ValueError, match="paints needs"):
        replace(SMALL_PHORHUM, paints=True)


def test_samples_are_those_of_torch_inside_and_the_border_s_beyond() -> None:
    maps, points = torch.rand(2, 3, 5, 7), torch.rand(2, 40, 3) * 2 - 1
    assert torch.allclose(
        sample_twice_differentiable(maps, points), sample_features(maps, points), atol=1e-6
    )
    corner = sample_twice_differentiable(maps, torch.tensor([[[9.0, 9.0]]] * 2))
    assert torch.allclose(corner[:, 0], maps[:, :, 0, -1])


def test_samples_can_be_differentiated_twice() -> None:
    generator = torch.Generator().manual_seed(3)
    maps = torch.rand(1, 2, 4, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    points = torch.rand(1, 5, 2, generator=generator, dtype=torch.float64) - 0.5
    points.requires_grad_()
    assert torch.autograd.gradcheck(sample_twice_differentiable, (maps, points))
    assert torch.autograd.gradgradcheck(sample_twice_differentiable, (maps, points))


def test_the_distance_s_gradient_is_the_change_of_the_distance(network: PhorhumNetwork) -> None:
    """The whole way, camera and features included, and again for a loss on that gradient."""
    network.double()
    maps = torch.rand(1, 6, 8, 8, dtype=torch.float64)
    features = PhorhumFeatures(
        maps,
        torch.rand(1, 3, 8, 8).double(),
        torch.zeros(1, 3, 0, 0).double(),
        torch.zeros(1, 4).double(),
    )
    points = (torch.rand(1, 4, 3, dtype=torch.float64) - 0.5).requires_grad_()
    inverse = torch.tensor([0.3], dtype=torch.float64)

    def distance(points: torch.Tensor) -> torch.Tensor:
        return network.query(features, points, inverse)[0]

    assert torch.autograd.gradcheck(distance, (points,))
    assert torch.autograd.gradgradcheck(distance, (points,))


def test_the_main_light_is_where_normals_are_brightest(network: PhorhumNetwork) -> None:
    shading = network.shading
    up = torch.nn.functional.normalize(torch.tensor([1.0, 2.0, 0.5]), dim=0)
    with torch.no_grad():
        for parameter in shading.parameters():
            parameter.zero_()
        shading.hidden[0].weight[0, :3] = up
        shading.hidden[1].weight[0, 0] = 1.0
        shading.out.weight[:, 0] = 4.0
    (direction,) = main_light_direction(shading, torch.zeros(1, 4))
    assert float(direction @ up) > 0.999


def test_weights_are_written_and_read_back(network: PhorhumNetwork, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, network, exact=True)
    loaded = load_phorhum(path)
    assert loaded.config == SMALL_PHORHUM
    for one, other in zip(network.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(WeightsError, match="of type PifuhdConfig"):
        load_network(path)
    with pytest.raises(WeightsError, match="no weights at"):
        load_phorhum(tmp_path / "missing.safetensors")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(WeightsError, match="cut off"):
        load_phorhum(path)


def test_pifuhd_weights_are_refused(tmp_path: Path) -> None:
    from small_pifuhd import SMALL_UNET

    save_weights(tmp_path / "w.safetensors", PifuhdNetwork(SMALL_UNET))
    with pytest.raises(WeightsError, match="of type PhorhumConfig"):
        load_phorhum(tmp_path / "w.safetensors")


def test_the_sizes_are_those_that_are_told() -> None:
    with torch.device("meta"):
        lite, published = PhorhumNetwork(LITE), PhorhumNetwork(PUBLISHED)
        features = published.encode(torch.empty(1, 3, 512, 512))
        assert lite.encode(torch.empty(1, 3, 512, 512)).illumination.shape == (1, 32)
    assert sum(p.numel() for p in lite.parameters()) * 2 < 8e6
    assert features.maps.shape == (1, 256, 512, 512)
    assert len(published.trunk.down) + len(published.trunk.up) == 13
    assert [layer.out_features for layer in published.point.hidden] == [512] * 8


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="trunk_size 24"):
        replace(SMALL_PHORHUM, trunk_size=24)
    with pytest.raises(ValueError, match="guide_channels"):
        replace(SMALL_PHORHUM, trunk=replace(SMALL_PHORHUM.trunk, guide_channels=3))


def test_weights_that_are_not_shipped_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "default_weights_path", lambda name: tmp_path / name)
    with pytest.raises(WeightsError, match="lacks the default weights"):
        load_phorhum()
