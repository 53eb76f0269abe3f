from __future__ import annotations

import torch

from pifuhd_ros.synthetic.occlusion import Occlusion, ambient_occlusion

VOXELS = 96
SIZE = 128


def cells() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x, y and z (D, H, W) of the voxels' middles."""
    place = (torch.arange(VOXELS) + 0.5) * 2 / VOXELS - 1
    z, y, x = torch.meshgrid(place, place, place, indexing="ij")
    return x, y, z


def pixels() -> tuple[torch.Tensor, torch.Tensor]:
    """x and y (S, S) of the pixels."""
    place = torch.linspace(-1, 1, SIZE)
    y, x = torch.meshgrid(-place, place, indexing="ij")
    return x, y


def occlude(solid: torch.Tensor, z: torch.Tensor, normal: torch.Tensor) -> Occlusion:
    everywhere = torch.ones(1, 1, SIZE, SIZE)
    return ambient_occlusion(solid.float()[None], z[None], normal[None], everywhere, SIZE // 2)


def facing() -> torch.Tensor:
    normal = torch.zeros(3, SIZE, SIZE)
    normal[2] = 1
    return normal


def test_nothing_hides_an_open_plane() -> None:
    found = occlude(cells()[2] < 0, torch.zeros(SIZE, SIZE), facing())
    assert float(found.ambient.min()) > 0.95
    torch.testing.assert_close(found.bent[0], facing(), atol=0.1, rtol=0)


def test_half_of_the_sky_is_open_in_a_corner_and_light_comes_from_its_open_side() -> None:
    x, _, z = cells()
    found = occlude((z < 0) | (x < 0), torch.zeros(SIZE, SIZE), facing())
    column = SIZE // 2 + 3
    near = found.ambient[0, 0, :, column].mean()
    assert 0.42 < float(near) < 0.65
    assert float(found.ambient[0, 0, SIZE // 2, -8]) > 0.93
    bent = found.bent[0, :, SIZE // 2, column]
    assert float(bent[0]) > 0.35
    assert abs(float(bent[1])) < 0.15
    towards, away = torch.tensor([[[0.9, 0.0, 0.44], [-0.9, 0.0, 0.44]]]), torch.full((1, 2), 0.1)
    open_side, wall_side = found.visibility(towards, away)[0, :, SIZE // 2, column]
    assert float(open_side) > 0.9
    assert float(wall_side) < 0.3


def test_a_plane_darkens_under_a_ball_that_touches_it() -> None:
    x, y, z = cells()
    radius = 0.25
    ball = x.square() + y.square() + (z - radius).square() < radius**2
    found = occlude((z < 0) | ball, torch.zeros(SIZE, SIZE), facing())
    px, _ = pixels()
    row = found.ambient[0, 0, SIZE // 2]
    distance = px[SIZE // 2].abs()
    contact = float(row[(distance > 0.04) & (distance < 0.1)].mean())
    beside = float(row[(distance > 0.25) & (distance < 0.35)].mean())
    far = float(row[distance > 0.9].mean())
    assert contact < 0.4 < beside < 0.95 < far


def test_people_of_a_batch_do_not_shade_each_other() -> None:
    plane = (cells()[2] < 0).float()
    solid = torch.stack([plane, torch.ones_like(plane), plane])
    maps = (torch.zeros(3, SIZE, SIZE), facing().expand(3, -1, -1, -1))
    found = ambient_occlusion(solid, *maps, torch.ones(3, 1, SIZE, SIZE), SIZE // 2)
    alone = ambient_occlusion(plane[None], *(m[:1] for m in maps), torch.ones(1, 1, SIZE, SIZE), 64)
    torch.testing.assert_close(found.ambient[0], alone.ambient[0])
    torch.testing.assert_close(found.ambient[2], alone.ambient[0])
    assert float(found.ambient[1, :, 40:88, 40:88].max()) < 0.05


def test_what_lies_outside_the_mask_has_no_say() -> None:
    plane = (cells()[2] < 0).float()[None]
    mask = torch.zeros(1, 1, SIZE, SIZE)
    mask[..., 30:90, 40:80] = 1
    z = torch.where(mask[:, 0] > 0, 0.0, -0.9)
    found = ambient_occlusion(plane, z, facing()[None], mask, SIZE // 2)
    assert float(found.ambient[mask > 0].min()) > 0.95
    assert float(found.ambient[0, 0, 0, 0]) == 1
