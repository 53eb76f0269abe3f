"""Tests of starting PHORHUM from PIFuHD."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pifuhd_ros.geometry.skeleton import JOINTS
from pifuhd_ros.networks import phorhum, pifuhd
from pifuhd_ros.networks.weights import holds_phorhum, save_weights
from pifuhd_ros.training.adoption import adopt_trunk
from pifuhd_ros.training.trainer import new_network
from pifuhd_ros.types import WeightsError


@pytest.mark.parametrize("out_stride", [2, 4])
def test_depths_are_those_of_the_coarse_level_where_it_needs_no_normals(out_stride: int) -> None:
    config = replace(phorhum.LITE, trunk=replace(phorhum.LITE.trunk, out_stride=out_stride))
    teacher, network = new_network(pifuhd.LITE, 0), new_network(config, 1)
    trunk = teacher.netG.image_filter
    folded = trunk.config.stem_stride**2
    with torch.no_grad():
        trunk.stem.weight[:, 3 * folded : 9 * folded] = 0
        trunk.guide_head.weight.normal_()
    adopt_trunk(network, teacher)
    image = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1
    joints = torch.rand(1, len(JOINTS), 4, generator=torch.Generator().manual_seed(1))
    joints[..., 3] = 1
    with torch.no_grad():
        coarse = teacher.encode_coarse(image, image * 0, image * 0, joints)
        fine = network.encode(image, joints).maps
    finer = fine.shape[-1] // coarse.shape[-1]
    averaged = torch.nn.functional.avg_pool2d(fine[:, :2], finer)
    # A finer map repeats all but the guide, which is interpolated.
    assert (averaged - coarse[:, :2]).abs().mean() < 0.05 * coarse[:, :2].abs().mean()


def test_other_shapes_are_refused() -> None:
    wide = replace(phorhum.LITE, trunk=replace(phorhum.LITE.trunk, widths=(64, 96, 128, 192)))
    with pytest.raises(WeightsError, match="another shape"):
        adopt_trunk(new_network(wide, 0), new_network(pifuhd.LITE, 0))


def test_weights_say_whose_they_are(tmp_path: Path) -> None:
    save_weights(tmp_path / "a", new_network(phorhum.LITE, 0))
    save_weights(tmp_path / "b", new_network(pifuhd.LITE, 0))
    (tmp_path / "c").write_bytes(b"nothing")
    held = [holds_phorhum(tmp_path / name) for name in "abcd"]
    assert held == [True, False, False, False]
