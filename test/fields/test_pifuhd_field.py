"""The field against the network's plain queries, and the encoding of a crop."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from pifuhd_ros.fields import pifuhd
from pifuhd_ros.fields.engine import PifuhdEngine, prepare_engine
from pifuhd_ros.fields.pifuhd import PifuhdField, encode_pifuhd
from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.mirror_mean import mean_coarse, mean_normals
from pifuhd_ros.networks.pifuhd import LITE, PifuhdNetwork
from pifuhd_ros.types.crop import PersonCrop
from pifuhd_ros.types.errors import CaptureCancelled
from pifuhd_ros.types.field import ImplicitField
from pifuhd_ros.types.normals import NormalMaps


@pytest.fixture(scope="module")
def network() -> PifuhdNetwork:
    torch.manual_seed(0)
    network = PifuhdNetwork(LITE).eval()
    with torch.no_grad():
        # Fresh weights answer 0.5 everywhere; these answer from 0 to 1.
        network.mlp.filters[-1].weight *= 300
    return network


@pytest.fixture(scope="module")
def crop() -> PersonCrop:
    generator = torch.Generator().manual_seed(2)
    mask = torch.zeros(LITE.fine_size, LITE.fine_size)
    mask[100:400, 200:300] = 1
    image = torch.rand(3, LITE.fine_size, LITE.fine_size, generator=generator) * mask
    return PersonCrop(image=image, mask=mask, image_from_crop=np.eye(3))


@pytest.fixture(scope="module")
def engine(network: PifuhdNetwork) -> PifuhdEngine:
    return prepare_engine(network)


@pytest.fixture(scope="module")
def encoded(engine: PifuhdEngine, crop: PersonCrop) -> tuple[NormalMaps, PifuhdField]:
    return encode_pifuhd(engine, crop)


@pytest.fixture(scope="module")
def field(encoded: tuple[NormalMaps, PifuhdField]) -> PifuhdField:
    return encoded[1]


def random_points(count: int, extent: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    return (torch.rand(count, 3, generator=generator) * 2 - 1) * extent


def plain(field: PifuhdField, points: torch.Tensor) -> torch.Tensor:
    """Occupancies by the network's own methods."""
    with torch.no_grad():
        _, phi = field.engine.network.query_coarse(field.coarse_features, points[None])
        logits = field.engine.network.query_fine(field.fine_features, phi, points[None])[0]
    return logits.sigmoid() * (points[:, :2].abs() <= 1).all(1)


def test_is_an_implicit_field(field: PifuhdField) -> None:
    as_protocol: ImplicitField = field
    assert as_protocol.level == 0.5
    assert as_protocol.inside_is_above
    assert as_protocol.device == torch.device("cpu")


def test_equals_the_networks_queries(field: PifuhdField) -> None:
    points = random_points(3000, extent=1.1)
    got = field.query(points)
    assert got.dtype == torch.float32
    assert got.shape == (3000,)
    assert got.std() > 0.01
    torch.testing.assert_close(got, plain(field, points), rtol=0, atol=1e-5)


def test_equals_the_networks_queries_on_a_grid(field: PifuhdField) -> None:
    axis = torch.linspace(-1, 1, 13)
    points = torch.cartesian_prod(axis, axis, axis)
    got = field.query(points)
    torch.testing.assert_close(got, plain(field, points), rtol=0, atol=1e-5)
    assert got.reshape(13, 13, 13).diff(dim=2).abs().max() > 1e-4


@pytest.mark.parametrize("chunk", [1, 7, 100_000])
def test_chunks_do_not_matter(
    field: PifuhdField, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    points = torch.cat([random_points(20), torch.tensor([[0.1, 0.2, z / 10] for z in range(9)])])
    expected = field.query(points)
    monkeypatch.setattr(pifuhd, "_CPU_CHUNK", chunk)
    torch.testing.assert_close(field.query(points), expected, rtol=0, atol=1e-5)


def test_order_does_not_matter(field: PifuhdField) -> None:
    points = random_points(500)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        field.query(points[order]), field.query(points)[order], rtol=0, atol=1e-5
    )


def test_outside_the_image_is_empty_and_depth_is_not_bounded(field: PifuhdField) -> None:
    points = torch.tensor([[1.01, 0, 0], [0, -1.01, 0], [torch.nan, 0, 0], [0, 0, 1.5], [1, -1, 0]])
    got = field.query(points)
    assert got[:3].tolist() == [0, 0, 0]
    assert (got[3:] > 0).all()


def test_no_points(field: PifuhdField) -> None:
    assert field.query(torch.zeros(0, 3)).shape == (0,)


def test_minus_zero_is_zero(field: PifuhdField) -> None:
    values = field.query(torch.tensor([[0.0, 0.0, 0.2], [-0.0, -0.0, 0.2]]))
    torch.testing.assert_close(values[0], values[1])


def test_columns_are_found_exactly() -> None:
    points = torch.tensor(
        [[0.5, -0.25, 1], [0.5, -0.25, 3], [-0.5, 0.25, 2], [-1e-30, 1, 4], [1, -1e-30, 5]]
    )
    columns, column = pifuhd._columns(points)
    assert len(columns) == 4
    assert torch.equal(columns[column], points[:, :2])


def test_query_stores_nothing_and_leaves_points_alone(field: PifuhdField) -> None:
    points = random_points(100)
    before = points.clone()
    first = field.query(points)
    field.query(random_points(50))
    assert torch.equal(points, before)
    assert torch.equal(field.query(points), first)
    with pytest.raises(dataclasses.FrozenInstanceError):
        field.coarse_features = points  # type: ignore[misc]


def test_result_is_an_ordinary_tensor(field: PifuhdField) -> None:
    values = field.query(random_points(4))
    values[0] = 1
    assert not values.requires_grad
    assert not values.is_inference()


@pytest.mark.parametrize("shape", [(5, 2), (3,), (1, 5, 3)], ids=str)
def test_wrong_points_are_told(field: PifuhdField, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected points \(N, 3\), got"):
        field.query(torch.zeros(shape))


def test_points_on_another_device_are_told(field: PifuhdField) -> None:
    with pytest.raises(ValueError, match="expected points on cpu, got meta"):
        field.query(torch.zeros(5, 3, device="meta"))


def test_normal_maps_are_unit_vectors_inside_the_mask_and_just_beyond(
    encoded: tuple[NormalMaps, PifuhdField], crop: PersonCrop
) -> None:
    def grown(reach: int) -> torch.Tensor:
        return torch.nn.functional.max_pool2d(crop.mask[None], 2 * reach + 1, 1, reach)[0] > 0

    for normals in (encoded[0].front, encoded[0].back):
        assert normals.shape == crop.image.shape
        length = normals.norm(dim=0)
        torch.testing.assert_close(length[grown(1)], torch.ones(int(grown(1).sum())))
        assert not length[~grown(4)].any()


def test_encoding_is_deterministic(
    engine: PifuhdEngine, crop: PersonCrop, field: PifuhdField
) -> None:
    _, again = encode_pifuhd(engine, crop)
    points = random_points(200)
    assert torch.equal(again.query(points), field.query(points))


def test_image_reaches_the_network_as_minus_one_to_one(
    network: PifuhdNetwork, crop: PersonCrop, field: PifuhdField
) -> None:
    image = crop.image[None] * 2 - 1
    with torch.no_grad():
        front, back = mean_normals(network, image)
        joints = torch.zeros(1, len(JOINTS), 4)
        coarse = network.draw_coarse(mean_coarse(network, image, front, back, joints))
        assert coarse.shape[-1] == network.config.coarse_size
        assert torch.equal(coarse, field.coarse_features)
        assert torch.equal(network.encode_fine(image, front, back), field.fine_features)


def test_progress_names_the_stages(engine: PifuhdEngine, crop: PersonCrop) -> None:
    calls: list[tuple[str, float]] = []
    encode_pifuhd(engine, crop, lambda stage, fraction: calls.append((stage, fraction)))
    assert [stage for stage, _ in calls] == ["normals", "coarse features", "fine features"]
    fractions = [fraction for _, fraction in calls]
    assert fractions == sorted(fractions)
    assert fractions[0] >= 0
    assert fractions[-1] < 1


def test_cancelling_passes_through(engine: PifuhdEngine, crop: PersonCrop) -> None:
    def cancel(stage: str, fraction: float) -> None:
        raise CaptureCancelled(stage)

    with pytest.raises(CaptureCancelled, match="normals"):
        encode_pifuhd(engine, crop, cancel)


def test_crop_of_another_size_is_told(engine: PifuhdEngine, crop: PersonCrop) -> None:
    small = dataclasses.replace(crop, image=crop.image[:, :256, :256])
    size = LITE.fine_size
    with pytest.raises(ValueError, match=rf"expected a crop \(3, {size}, {size}\), got"):
        encode_pifuhd(engine, small)
