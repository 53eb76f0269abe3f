from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from pifuhd_ros.synthetic.jpeg import jpeg


def picture(height: int = 64, width: int = 80) -> torch.Tensor:
    """(1, 3, height, width) smooth colours with an edge and a texture."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    image = torch.stack([x, y, 0.5 + 0.4 * torch.sin(9 * x + 5 * y)])
    image[:, 20:40, 30:50] = torch.tensor([0.8, 0.4, 0.3])[:, None, None]
    image += 0.05 * torch.randn(1, height, width, generator=torch.Generator().manual_seed(0))
    return (image.clamp(0, 1) * 255).round()[None] / 255


def pillow(image: torch.Tensor, quality: int) -> torch.Tensor:
    stored = io.BytesIO()
    pixels = (image[0] * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(stored, "JPEG", quality=quality, subsampling="4:2:0")
    decoded = np.asarray(Image.open(stored)).copy()
    return torch.from_numpy(decoded).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_it_is_what_pillow_writes_and_reads_again(quality: int) -> None:
    image = picture()
    ours = jpeg(image, torch.tensor([float(quality)]))
    theirs = pillow(image, quality)
    error = float((ours - theirs).abs().mean())
    # A file holds whole numbers at every step: one level and a bit.
    assert error < 1.5 / 255
    assert error < 0.6 * float((image - theirs).abs().mean())


def test_each_image_has_its_own_quality_and_any_size() -> None:
    image = picture(50, 61).repeat(2, 1, 1, 1)
    stored = jpeg(image, torch.tensor([10.0, 95.0]))
    assert stored.shape == image.shape
    low, high = (stored - image).abs().mean((1, 2, 3)).tolist()
    assert low > 3 * high
    torch.testing.assert_close(stored[1:], jpeg(image[1:], torch.tensor([95.0])))
