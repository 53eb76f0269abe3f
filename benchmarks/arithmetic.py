"""How much there is to compute, counted on networks that hold no memory."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks.mirror_mean import mean_coarse, mean_normals
from pifuhd_ros.networks.phorhum import PhorhumConfig, PhorhumFeatures, PhorhumNetwork
from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork

NetworkConfig = PifuhdConfig | PhorhumConfig


def encoding_gflop(config: NetworkConfig) -> float:
    """Of all image networks for one crop."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        if isinstance(config, PhorhumConfig):
            size = config.image_size
            PhorhumNetwork(config).eval().encode(torch.empty(1, 3, size, size))
        else:
            network = PifuhdNetwork(config).eval()
            image = torch.empty(1, 3, config.fine_size, config.fine_size)
            front, back = mean_normals(network, image)
            mean_coarse(network, image, front, back, torch.empty(1, len(JOINTS), 4))
            network.encode_fine(image, front, back)
    return 1e-9 * float(counter.get_total_flops())


def point_mflop(config: NetworkConfig) -> float:
    """Of all networks that a point is asked of, nothing shared between points."""
    count = 16
    if isinstance(config, PhorhumConfig):
        return _phorhum_points_mflop(config, count) / count
    with torch.device("meta"):
        network = PifuhdNetwork(config).eval()
        points = torch.empty(1, count, 3)
        coarse = torch.empty(1, config.coarse_filter.out_channels, 8, 8)
        fine = torch.empty(1, config.fine_filter.out_channels, 8, 8)
        with FlopCounterMode(display=False) as counter:
            _, phi = network.query_coarse(coarse, points)
            network.query_fine(fine, phi, points)
    return 1e-6 * float(counter.get_total_flops()) / count


def _phorhum_points_mflop(config: PhorhumConfig, count: int) -> float:
    # Its points are asked outside of autocast, which a network without memory has none of.
    network = PhorhumNetwork(config).eval()
    features = PhorhumFeatures(
        maps=torch.zeros(1, config.features, 8, 8),
        pixels=torch.zeros(1, 3, 8, 8),
        behind=torch.zeros(1, 3, 8, 8),
        illumination=torch.zeros(1, config.shading.illumination),
    )
    with FlopCounterMode(display=False) as counter:
        network.query(features, torch.zeros(1, count, 3), torch.zeros(1))
    return 1e-6 * float(counter.get_total_flops())
