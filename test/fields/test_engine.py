"""A prepared network: its precisions, and how far half precision moves the surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torch.nn import functional as F

from pifuhd_ros.fields.engine import PRECISIONS, PifuhdEngine, prepare_engine, resolve_precision
from pifuhd_ros.fields.pifuhd import PifuhdField, encode_pifuhd
from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork
from pifuhd_ros.networks.point_chain import chain_of
from pifuhd_ros.networks.point_mlp import PointMlpConfig
from pifuhd_ros.networks.shuffle_unet import ShuffleUNet, ShuffleUNetConfig
from pifuhd_ros.networks.weights import default_weights_path, load_network
from pifuhd_ros.stages.surface import extract_surface
from pifuhd_ros.types import PersonCrop, WeightsError

MM = 1000.0
"""A model unit in mm, for a person of 180 cm who fills nine tenths of the box."""

TINY = PifuhdConfig(
    name="tiny",
    fine_size=64,
    coarse_size=32,
    normals=ShuffleUNetConfig(3, 6, widths=(8, 16), blocks=(1, 1)),
    coarse_filter=ShuffleUNetConfig(9, 6, out_stride=4, widths=(8, 16), blocks=(1, 1)),
    fine_filter=ShuffleUNetConfig(9, 5, out_stride=2, widths=(8, 16), blocks=(1, 1)),
    coarse_mlp=PointMlpConfig(channels=(7, 16, 12, 8, 1), skips=(2, 3), phi_layer=2),
    fine_mlp=PointMlpConfig(channels=(13, 16, 8, 1), skips=(1, 2)),
)


@pytest.mark.parametrize(
    ("precision", "device", "dtype"),
    [
        ("auto", "cpu", torch.float32),
        ("auto", "cuda", torch.float16),
        ("bfloat16", "cpu", torch.bfloat16),
        ("float32", "cuda", torch.float32),
    ],
)
def test_precisions(precision: str, device: str, dtype: torch.dtype) -> None:
    assert resolve_precision(precision, torch.device(device)) == dtype


def test_an_unknown_precision_is_told() -> None:
    with pytest.raises(ValueError, match="precision 'float8' is unknown: use auto, float32"):
        resolve_precision("float8", torch.device("cpu"))
    assert "auto" in PRECISIONS


def tiny_crop() -> PersonCrop:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 64, 64, generator=generator)
    return PersonCrop(image, torch.ones(64, 64), np.eye(3))


def test_half_precision_holds_half_the_image_networks() -> None:
    torch.manual_seed(0)
    engine = prepare_engine(PifuhdNetwork(TINY).eval(), "bfloat16")

    assert {p.dtype for p in engine.network.image_filter.parameters()} == {torch.bfloat16}
    assert isinstance(engine.network.netG.normals, ShuffleUNet)
    for name, parameter in engine.network.netG.normals.named_parameters():
        is_first_level = name.startswith(("stem.", "down.0."))
        assert (parameter.dtype == torch.float32) == is_first_level, name
    normals, field = encode_pifuhd(engine, tiny_crop())
    assert normals.front.dtype == field.fine_features.dtype == torch.float32
    assert field.query(torch.zeros(5, 3)).dtype == torch.float32


def test_activations_beyond_float16_are_told() -> None:
    torch.manual_seed(0)
    network = PifuhdNetwork(TINY).eval()
    with torch.no_grad():
        network.image_filter.head.weight *= 6e4
        network.image_filter.head.bias += 6e4
    with pytest.raises(WeightsError, match="do not fit into float16: choose the precision bf"):
        encode_pifuhd(prepare_engine(network, "float16"), tiny_crop())


def person_crop(drawn_person: np.ndarray, size: int) -> PersonCrop:
    image = torch.from_numpy(drawn_person[20:460, 100:540].copy()).permute(2, 0, 1) / 255
    image = F.interpolate(image[None], size=(size, size), mode="area")[0]
    mask = (image < 0.85).any(0).float()
    return PersonCrop(image * mask + 0.5 * (1 - mask), mask, np.eye(3))


@pytest.mark.parametrize(
    ("dtype", "mean_mm"), [(torch.float16, 0.1), (torch.bfloat16, 0.5)], ids=["float16", "bfloat16"]
)
def test_half_precision_moves_the_surface_little(
    drawn_person: np.ndarray, dtype: torch.dtype, mean_mm: float
) -> None:
    """Of the point network alone, rounded on a CPU as a GPU rounds it."""
    engine, crop = shipped_engine(drawn_person)
    _, field = encode_pifuhd(engine, crop)
    network = engine.network
    chain = chain_of(network.netG.mlp, network.mlp, network.config.depth_scale, dtype)
    half = PifuhdField(
        replace(engine, dtype=dtype, chain=chain, logits=chain.logits),
        field.coarse_features,
        field.fine_features,
    )
    assert 0 < mean_distance_mm(field, half) < mean_mm


def test_half_the_image_networks_move_the_surface_little(drawn_person: np.ndarray) -> None:
    """A figure drawn of capsules moves twice as far as people do; for them see make bench."""
    engine, crop = shipped_engine(drawn_person)
    _, field = encode_pifuhd(engine, crop)
    _, half = encode_pifuhd(prepare_engine(load_network(), "float16"), crop)
    assert 0 < mean_distance_mm(field, half) < 0.2


def shipped_engine(drawn_person: np.ndarray) -> tuple[PifuhdEngine, PersonCrop]:
    if not default_weights_path().is_file():
        pytest.skip("the default weights are not in this checkout")
    engine = prepare_engine(load_network())
    return engine, person_crop(drawn_person, engine.network.config.fine_size)


def mean_distance_mm(first: PifuhdField, second: PifuhdField) -> float:
    a, b = (extract_surface(field, 128).mesh.vertices for field in (first, second))
    there, back = (MM * cKDTree(to).query(of)[0].mean() for of, to in ((a, b), (b, a)))
    return float(there + back) / 2
