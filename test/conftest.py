"""A person whom detection finds and weights that take no time, for tests of the whole way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def drawn_person() -> np.ndarray:
    """(480, 640, 3): the mean body in plain colours, whole, in front of a light wall."""
    from pifuhd_ros.body.model import load_body
    from pifuhd_ros.evaluation.baselines import mean_body
    from pifuhd_ros.geometry.mesh_normals import vertex_normals
    from pifuhd_ros.stages.turntable import render_view
    from pifuhd_ros.types import Mesh

    body = mean_body(load_body())
    y = body.vertices[:, 1]
    height = (y - y.min()) / np.ptp(y)
    colors = np.full((len(height), 3), (205, 160, 135), np.uint8)
    colors[height > 0.955] = (60, 40, 30)
    colors[(height > 0.5) & (height < 0.84)] = (70, 90, 160)
    colors[height <= 0.5] = (50, 50, 55)
    vertices = body.vertices * np.float32([1, -1, -1])
    mesh = Mesh(vertices, body.faces, vertex_normals(vertices, body.faces), colors)
    image = np.full((480, 640, 3), 235, np.uint8)
    image[20:460, 100:540] = render_view(mesh, size=440)
    return image


@pytest.fixture(scope="session")
def slab_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny PIFuHD whose field is a slab, |z| < 0.25, whatever the image."""
    from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork
    from pifuhd_ros.networks.point_mlp import PointMlpConfig
    from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig
    from pifuhd_ros.networks.weights import save_weights

    def unet(in_channels: int, out_channels: int, out_stride: int) -> ShuffleUNetConfig:
        return ShuffleUNetConfig(
            in_channels, out_channels, out_stride=out_stride, widths=(8, 8), blocks=(1, 1), groups=2
        )

    config = PifuhdConfig(
        name="slab",
        fine_size=128,
        coarse_size=64,
        normals=unet(3, 6, 1),
        coarse_filter=unet(9, 2, 4),
        fine_filter=unet(9, 2, 2),
        coarse_mlp=PointMlpConfig(channels=(3, 2, 1), skips=(), phi_layer=0),
        fine_mlp=PointMlpConfig(channels=(4, 1), skips=()),
    )
    torch.manual_seed(0)
    network = PifuhdNetwork(config)
    with torch.no_grad():
        for mlp in (network.netG.mlp, network.mlp):
            for parameter in mlp.parameters():
                parameter.zero_()
        # phi is z and -z after leaky ReLUs, which together are |z| scaled by 0.99.
        network.netG.mlp.filters[0].weight[:, 2, 0] = torch.tensor([1.0, -1.0])
        fine = network.mlp.filters[0]
        fine.weight[0, 2:, 0] = -20.0 / (0.99 * config.depth_scale)
        fine.bias[:] = 20.0 * 0.25
    path = tmp_path_factory.mktemp("weights") / "slab.safetensors"
    save_weights(path, network)
    return path


@pytest.fixture(scope="session")
def phorhum_slab_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny PHORHUM whose field is a slab, |z| < 0.25, and whose albedo is the photo."""
    from pifuhd_ros.networks.distance_mlp import DistanceMlpConfig
    from pifuhd_ros.networks.phorhum import PhorhumConfig, PhorhumNetwork
    from pifuhd_ros.networks.shading import ShadingConfig
    from pifuhd_ros.networks.shuffle_unet import ShuffleUNetConfig
    from pifuhd_ros.networks.weights import save_weights

    config = PhorhumConfig(
        name="slab",
        image_size=128,
        trunk_size=64,
        camera="perspective",
        trunk=ShuffleUNetConfig(3, 2, out_stride=4, widths=(8, 8), blocks=(1, 1), groups=2),
        point=DistanceMlpConfig(width=2, layers=2, frequencies=0, sees_pixel=True),
        shading=ShadingConfig(illumination=2, width=2, layers=1),
    )
    torch.manual_seed(0)
    network = PhorhumNetwork(config)
    steep, z = 40.0, -1
    with torch.no_grad():
        for parameter in network.point.parameters():
            parameter.zero_()
        # A swish of z and one of -z are together |z|.
        network.point.hidden[1].weight[:, z] = torch.tensor([steep, -steep])
        network.point.distance.weight[:] = 1 / steep
        network.point.distance.bias[:] = -0.25
        network.point.albedo.bias[3:] = 20.0
        network.shading.out.weight.zero_()
    path = tmp_path_factory.mktemp("weights") / "phorhum-slab.safetensors"
    save_weights(path, network)
    return path


@pytest.fixture(scope="session")
def assets_folder() -> Path:
    """MakeHuman's core assets, which are not part of this repository."""
    path = Path(__file__).resolve().parents[2] / "shared" / "makehuman"
    if not path.is_dir():
        pytest.skip("no MakeHuman assets in ../shared/makehuman")
    return path


@pytest.fixture(scope="session")
def packed_assets_file(assets_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assets packed with small textures."""
    from pifuhd_ros.assets.pack import pack_assets
    from pifuhd_ros.body.model import BODY_FILE

    path = tmp_path_factory.mktemp("assets") / "assets.safetensors"
    pack_assets(assets_folder, BODY_FILE, path, texture_size=64)
    return path
