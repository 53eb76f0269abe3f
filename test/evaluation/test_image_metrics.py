from __future__ import annotations

import numpy as np
import pytest

from pifuhd_ros.evaluation.image_metrics import psnr_db, ssim

RANDOM = np.random.default_rng(0)
MASK = np.zeros((40, 50), bool)
MASK[8:32, 5:40] = True


def flat(value: float) -> np.ndarray:
    return np.full((3, 40, 50), value, np.float32)


def test_psnr_of_a_known_error_and_of_none() -> None:
    assert psnr_db(flat(0.6), flat(0.5), MASK) == pytest.approx(20.0, abs=1e-4)
    assert psnr_db(flat(0.5), flat(0.5), MASK) == pytest.approx(100.0)


def test_ssim_of_flat_images_by_hand() -> None:
    """Without structure only the comparison of means is left."""
    expected = (2 * 0.3 * 0.7 + 1e-4) / (0.3**2 + 0.7**2 + 1e-4)
    assert ssim(flat(0.3), flat(0.7), MASK) == pytest.approx(expected, abs=1e-5)


def test_ssim_is_one_for_equals_less_for_noise_and_negative_for_the_opposite() -> None:
    image = RANDOM.random((3, 40, 50)).astype(np.float32)
    noisy = (image + 0.2 * RANDOM.standard_normal(image.shape)).clip(0, 1).astype(np.float32)
    assert ssim(image, image, MASK) == pytest.approx(1.0)
    assert 0.3 < ssim(image, noisy, MASK) < 0.95
    assert ssim(image, 1 - image, MASK) < 0


def test_ssim_by_the_formula_pixel_by_pixel() -> None:
    """Weighted moments of each window written out, over a mask with a hole and a bay."""
    image, other = RANDOM.random((2, 3, 13, 15))
    mask = np.ones((13, 15), bool)
    mask[5:7, 6:9] = mask[:4, 11:] = False
    rows, columns = np.mgrid[0:13, 0:15]
    values = []
    for row, column in np.argwhere(mask):
        down, across = rows - row, columns - column
        weight = np.exp(-(down**2 + across**2) / (2 * 1.5**2)) * mask
        weight = weight * (np.maximum(abs(down), abs(across)) <= 5)
        weight /= weight.sum()
        for a, b in zip(image, other, strict=True):
            mean_a, mean_b = (weight * a).sum(), (weight * b).sum()
            spread = (weight * ((a - mean_a) ** 2 + (b - mean_b) ** 2)).sum()
            common = (weight * (a - mean_a) * (b - mean_b)).sum()
            same = (2 * mean_a * mean_b + 1e-4) * (2 * common + 9e-4)
            values.append(same / ((mean_a**2 + mean_b**2 + 1e-4) * (spread + 9e-4)))
    found = ssim(image.astype(np.float32), other.astype(np.float32), mask)
    assert found == pytest.approx(np.mean(values), abs=1e-5)


@pytest.mark.parametrize("metric", [psnr_db, ssim])
def test_nothing_outside_the_mask_counts(metric: object) -> None:
    assert callable(metric)
    image, other = RANDOM.random((2, 3, 40, 50)).astype(np.float32)
    changed = np.where(MASK, image, RANDOM.random(image.shape).astype(np.float32))
    assert metric(changed, other, MASK) == metric(image, other, MASK)


@pytest.mark.parametrize("metric", [psnr_db, ssim])
def test_empty_masks_and_other_shapes_are_refused(metric: object) -> None:
    assert callable(metric)
    with pytest.raises(ValueError, match="no pixels"):
        metric(flat(0), flat(0), np.zeros_like(MASK))
    with pytest.raises(ValueError, match="expected"):
        metric(flat(0), flat(0)[:, 1:], MASK)
