"""How much there is to compute, counted on networks that hold no memory."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from pifuhd_ros.networks.pifuhd import PifuhdConfig, PifuhdNetwork


def encoding_gflop(config: PifuhdConfig) -> float:
    """Of the normal maps and both image filters for one crop."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = PifuhdNetwork(config).eval()
        image = torch.empty(1, 3, config.fine_size, config.fine_size)
        front, back = network.estimate_normals(image)
        network.encode_coarse(image, front, back)
        network.encode_fine(image, front, back)
    return 1e-9 * float(counter.get_total_flops())


def point_mflop(config: PifuhdConfig) -> float:
    """Of both levels' MLPs for one point, nothing shared between points."""
    count = 16
    with torch.device("meta"):
        network = PifuhdNetwork(config).eval()
        points = torch.empty(1, count, 3)
        coarse = torch.empty(1, config.coarse_filter.out_channels, 8, 8)
        fine = torch.empty(1, config.fine_filter.out_channels, 8, 8)
        with FlopCounterMode(display=False) as counter:
            _, phi = network.query_coarse(coarse, points)
            network.query_fine(fine, phi, points)
    return 1e-6 * float(counter.get_total_flops()) / count
