"""PHORHUM's field against the network's plain queries; its normals against its own values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pifuhd_ros.fields.phorhum import PhorhumField, encode_phorhum, prepare_phorhum
from pifuhd_ros.geometry.perspective import seen_from_space
from pifuhd_ros.networks.distance_mlp import DistanceMlpConfig
from pifuhd_ros.networks.phorhum import LITE, PhorhumConfig, PhorhumNetwork
from pifuhd_ros.stages.field_normals import field_normals
from pifuhd_ros.types.crop import PersonCrop
from pifuhd_ros.types.errors import WeightsError
from pifuhd_ros.types.field import ImplicitField

CONFIG = replace(LITE, image_size=128, trunk_size=64, point=DistanceMlpConfig(32, 3, 2, True))


def _network(config: PhorhumConfig = CONFIG) -> PhorhumNetwork:
    torch.manual_seed(0)
    return prepare_phorhum(PhorhumNetwork(config).eval())


@pytest.fixture(scope="module")
def crop() -> PersonCrop:
    generator = torch.Generator().manual_seed(2)
    mask = torch.zeros(128, 128)
    mask[20:100, 40:80] = 1
    image = torch.rand(3, 128, 128, generator=generator) * mask
    return PersonCrop(image=image, mask=mask, image_from_crop=np.eye(3))


@pytest.fixture(scope="module")
def field(crop: PersonCrop) -> PhorhumField:
    return encode_phorhum(_network(), crop, 0.4)


def _points(count: int) -> torch.Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(count)) * 1.4 - 0.7


def test_it_is_a_signed_distance(field: ImplicitField) -> None:
    assert field.level == 0
    assert not field.inside_is_above


def test_queries_are_the_network_s_in_space(field: PhorhumField) -> None:
    points = _points(5000)  # More than a chunk.
    space = field.network.to_space(points[None], field.inverse_distance)
    with torch.no_grad():
        plain, _ = field.network.query(field.features, space, field.inverse_distance)
    assert torch.allclose(field.query(points), plain[0], atol=1e-5)
    assert not torch.allclose(space[0], points, atol=1e-2)


def test_box_normals_are_those_of_the_field_s_values(field: PhorhumField) -> None:
    """Away from the creases of the bilinear features, where there are none."""
    points = _points(400)
    look = field.appearance(points)
    measured = field_normals(field, points, 1e-3, 4096)
    cosine = (look.box_normals * measured).sum(1)
    assert float(cosine.median()) > 0.999
    assert (look.normals * look.box_normals).sum(1).min() < 0.999  # The camera is near.


def test_slopes_are_those_of_the_distance_in_space(field: PhorhumField) -> None:
    """By steps of 1e-3 in space, asked for in the box where they are seen."""
    points = _points(300)
    space = field.network.to_space(points[None], field.inverse_distance)
    steps = 1e-3 * torch.eye(3)
    ahead, behind = (
        torch.stack([field.query(_seen(field, space + s * step)) for step in steps], 1)
        for s in (1, -1)
    )
    measured = ((ahead - behind) / 2e-3).norm(dim=1)
    off = (field.slopes(points) - measured).abs() / measured
    assert float(off.median()) < 0.01


def _seen(field: PhorhumField, space: torch.Tensor) -> torch.Tensor:
    return seen_from_space(space, field.inverse_distance)[0]


def test_an_orthographic_camera_sees_no_perspective(crop: PersonCrop) -> None:
    network = _network(replace(CONFIG, camera="orthographic"))
    near, far = (encode_phorhum(network, crop, inverse) for inverse in (0.5, 0.0))
    points = _points(50)
    assert torch.equal(near.query(points), far.query(points))
    look = near.appearance(points)
    assert torch.allclose(look.normals, look.box_normals, atol=1e-6)


def test_half_precision_is_close_and_told_where_it_does_not_fit(crop: PersonCrop) -> None:
    points = _points(200)
    full = encode_phorhum(_network(), crop, 0.2).query(points)
    network = prepare_phorhum(_network(), "bfloat16")
    half = encode_phorhum(network, crop, 0.2).query(points)
    assert half.dtype == torch.float32
    assert torch.allclose(full, half, atol=0.05)
    assert not torch.equal(full, half)
    with torch.no_grad():
        network.trunk.head.weight[:] = 3e38
    with pytest.raises(WeightsError, match=r"do not fit into torch\.bfloat16"):
        encode_phorhum(network, crop, 0.2)


def test_wrong_input_is_refused(field: PhorhumField, crop: PersonCrop) -> None:
    with pytest.raises(ValueError, match=r"\(3, 128, 128\)"):
        encode_phorhum(field.network, replace(crop, image=torch.zeros(3, 64, 64)), 0.2)
    with pytest.raises(ValueError, match=r"points \(N, 3\)"):
        field.query(torch.zeros(4, 2))
