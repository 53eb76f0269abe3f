from __future__ import annotations

import torch

from pifuhd_ros.synthetic.light import sample_lights
from pifuhd_ros.synthetic.occlusion import Occlusion
from pifuhd_ros.synthetic.photograph import photograph, take_photo

SIZE = 128


def ball(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Albedo, normals and mask of a gray ball."""
    place = torch.linspace(-1, 1, SIZE)
    y, x = torch.meshgrid(-place, place, indexing="ij")
    squared = x.square() + y.square()
    mask = (squared < 0.6**2).float().expand(count, 1, -1, -1)
    z = (0.6**2 - squared).clamp(min=0).sqrt()
    normals = (torch.stack([x, y, z]) / 0.6).expand(count, -1, -1, -1) * mask
    return 0.6 * mask.expand(-1, 3, -1, -1), normals, mask


def test_photos_show_the_person_before_a_background() -> None:
    albedo, normals, mask = ball(16)
    photo = take_photo(albedo, normals, mask, None, torch.Generator().manual_seed(0))
    assert photo.image.shape == (16, 3, SIZE, SIZE)
    assert float(photo.image.min()) >= 0
    assert float(photo.image.max()) <= 1
    middle = photo.image[:, :, 54:74, 54:74].mean((1, 2, 3))
    assert float(middle.min()) > 0.25
    assert 0.5 < float(middle.median()) < 0.75
    corners = photo.image[:, :, :12, :12].mean((2, 3))
    assert float(corners.std(0).mean()) > 0.08
    assert photo.mask.shape == mask.shape
    assert float(photo.mask[:, :, 54:74, 54:74].mean()) > 0.9
    assert float(photo.mask[:, :, :12].max()) == 0


def test_lights_that_are_given_are_those_of_the_photo() -> None:
    lights = sample_lights(2, torch.Generator().manual_seed(5))
    photos = [
        take_photo(*ball(1), None, torch.Generator().manual_seed(0), lights.only(i)).image
        for i in (0, 1, 1)
    ]
    assert not torch.allclose(photos[0], photos[1], atol=0.05)
    assert torch.equal(photos[1], photos[2])
    assert torch.equal(lights.only(1).directions[0], lights.directions[1])


def test_a_camera_keeps_a_gray_scene_nearly_as_it_is() -> None:
    gray = torch.full((32, 3, 64, 64), 0.5**2.2)
    everywhere = torch.ones(32, 1, 64, 64)
    image = photograph(gray, everywhere, gray, torch.Generator().manual_seed(0))
    means = image.mean((2, 3))
    assert abs(float(means.mean()) - 0.5) < 0.02
    assert 0.01 < float(means.std()) < 0.08
    grain = image.std((2, 3)).mean(1)
    assert float(grain.min()) < 0.01
    assert float(grain.max()) < 0.06


def test_occlusion_reaches_the_photo() -> None:
    albedo, normals, mask = ball(4)
    closed = Occlusion(torch.full_like(mask, 0.2), normals)
    dark, light = (
        take_photo(albedo, normals, mask, occlusion, torch.Generator().manual_seed(3))
        for occlusion in (closed, None)
    )
    inside = mask.expand(-1, 3, -1, -1) > 0
    assert float(dark.image[inside].mean()) < 0.8 * float(light.image[inside].mean())
    assert torch.equal(dark.mask, light.mask)


def test_the_same_seed_gives_the_same_photo() -> None:
    first, second, other = (
        take_photo(*ball(2), None, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.mask, second.mask)
    assert not torch.equal(first.image, other.image)
