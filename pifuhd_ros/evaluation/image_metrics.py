"""How much two images differ over some of their pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_SIGMA_PX = 1.5
_RADIUS = 3.5
"""Of the window, in sigmas: 11 pixels wide."""
_C1, _C2 = 0.01**2, 0.03**2
_LEAST_MSE = 1e-10
"""Images that are equal have no more than 100 dB."""


def psnr_db(
    image: npt.NDArray[np.float32], true: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]
) -> float:
    """Peak signal-to-noise ratio over the pixels of a mask, at most 100 dB.

    Args:
        image: (3, H, W) in [0, 1].
        true: (3, H, W).
        mask: (H, W).

    Raises:
        ValueError: the shapes differ or the mask is empty.
    """
    _check(image, true, mask)
    error = image[:, mask].astype(np.float64) - true[:, mask]
    return float(-10 * np.log10(max(float(np.square(error).mean()), _LEAST_MSE)))


def ssim(
    image: npt.NDArray[np.float32], true: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]
) -> float:
    """Structural similarity over the pixels of a mask, mean over the channels.

    The window, Gaussian and 11 pixels wide, weighs the pixels of the mask alone, so that nothing
    around them counts.

    Args:
        image: (3, H, W) in [0, 1].
        true: (3, H, W).
        mask: (H, W).

    Returns:
        At most 1, for equal images.

    Raises:
        ValueError: the shapes differ or the mask is empty.

    Source: Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity,
    2004, section III.
    """
    from scipy.ndimage import gaussian_filter

    _check(image, true, mask)
    rows, columns = np.nonzero(mask)
    part = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    inside = mask[part]
    weight = inside.astype(np.float64)

    def blurred(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        seen: npt.NDArray[np.float64] = gaussian_filter(
            values, _SIGMA_PX, mode="constant", truncate=_RADIUS
        )[inside]
        return seen

    total = blurred(weight)

    def one(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
        mean_a, mean_b, square_a, square_b, product = (
            blurred(values * weight) / total for values in (a, b, a * a, b * b, a * b)
        )
        spread = square_a - mean_a**2 + square_b - mean_b**2
        common = product - mean_a * mean_b
        same = (2 * mean_a * mean_b + _C1) * (2 * common + _C2)
        return float((same / ((mean_a**2 + mean_b**2 + _C1) * (spread + _C2))).mean())

    channels = zip(image.astype(np.float64), true.astype(np.float64), strict=True)
    return float(np.mean([one(a[part], b[part]) for a, b in channels]))


def _check(
    image: npt.NDArray[np.float32], true: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]
) -> None:
    if image.shape != true.shape or image.shape[1:] != mask.shape or image.shape[0] != 3:
        raise ValueError(
            f"expected (3, H, W) twice and (H, W), got {image.shape}, {true.shape}, {mask.shape}"
        )
    if not mask.any():
        raise ValueError("the mask is empty: there are no pixels to compare")
