from __future__ import annotations

import torch

from pifuhd_ros.synthetic.blur import blur


def test_each_image_is_blurred_by_its_own_amount() -> None:
    images = torch.zeros(2, 3, 31, 31)
    images[:, :, 15, 15] = 1
    blurred = blur(images, torch.tensor([[1.5, 0.2], [0.2, 1.0]]))
    place = torch.arange(31.0) - 15
    down = (blurred[:, 0].sum(2) * place.square()).sum(1).sqrt()
    across = (blurred[:, 0].sum(1) * place.square()).sum(1).sqrt()
    torch.testing.assert_close(down, torch.tensor([1.5, 0.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(across, torch.tensor([0.0, 1.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(blurred.sum((2, 3)), torch.ones(2, 3))


def test_plain_images_stay_plain_up_to_their_borders() -> None:
    images = torch.full((1, 3, 20, 20), 0.3)
    torch.testing.assert_close(blur(images, torch.full((1, 2), 2.0)), images)
