from __future__ import annotations

import torch

from pifuhd_ros.synthetic.detector_mask import rough_masks

SIZE = 512


def figure(count: int) -> torch.Tensor:
    """(count, 1, SIZE, SIZE) a trunk, a head, two arms and two legs."""
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    mask = (x - 256).square() + (y - 50).square() < 30**2
    for left, right, top, bottom in (
        *((216, 296, 80, 270), (220, 252, 270, 485), (260, 292, 270, 485)),
        *((100, 216, 90, 112), (296, 412, 90, 112)),
    ):
        mask |= (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return mask.float().expand(count, 1, -1, -1)


def overlap(true: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Intersection over union (B,)."""
    a, b = true > 0.5, found > 0.5
    return (a & b).sum((1, 2, 3)) / (a | b).sum((1, 2, 3))


def test_masks_are_as_rough_as_the_detectors() -> None:
    true = figure(48)
    found = rough_masks(true, torch.Generator().manual_seed(0))
    iou = overlap(true, found)
    assert 0.93 < float(iou.mean()) < 0.97
    assert 0.008 < float(iou.std()) < 0.04
    assert float(iou.min()) > 0.7
    assert float(found.min()) == 0
    assert float(found.max()) == 1


def test_the_background_stays_empty_and_the_chest_whole_in_most() -> None:
    found = rough_masks(figure(48), torch.Generator().manual_seed(1))
    assert float(found[:, :, 300:, :150].max()) == 0
    whole = found[:, :, 140:230, 250:262].amin((1, 2, 3)) == 1
    assert float(whole.float().mean()) > 0.9


def test_outlines_move_over_lengths_of_an_inch_and_not_from_pixel_to_pixel() -> None:
    found = rough_masks(figure(32), torch.Generator().manual_seed(2))
    # Where the left side of the trunk lies, row by row.
    edge = 256 - found[:, 0, 130:260, 150:256].sum(2)
    edge = edge - edge.mean(1, keepdim=True)
    variance = float(edge.clamp(-8, 8).square().mean())
    assert 0.3 < variance < 8
    assert float((edge[:, 3:] - edge[:, :-3]).clamp(-8, 8).square().mean()) < 0.4 * variance
    assert float((edge[:, 80:] - edge[:, :-80]).clamp(-8, 8).square().mean()) > variance


def test_the_same_seed_gives_the_same_masks() -> None:
    first, second, other = (
        rough_masks(figure(2), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
