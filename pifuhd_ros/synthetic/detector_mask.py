"""Masks as the detector of stages/detection.py draws them: shifted outlines, lost hands.

Measured on 120 photographs of 40 generated people, 720 pixels a side, in crops of 512. The
detector found 117; those figures, and those of ``rough_masks`` of the same true masks:

====================================  ==============  ==============
Figure                                Detector        Imitated
====================================  ==============  ==============
IoU, mean ± standard deviation        0.942 ± 0.034   0.943 ± 0.036
IoU, 5th and 95th percentile          0.880, 0.971    0.895, 0.969
Outline's offset outwards [px]        -0.5 ± 2.0      -0.5 ± 2.1
  the same, clipped to 8 px           ± 1.6           ± 1.5
Correlation length along it (1/e)     26 px           27 px
An image's median offset [px]         ± 0.57          ± 0.60
Images that miss a part 11 px wide    21 %            26 %
  mean share of a person missed       0.8 %           1.0 %
Images with background 11 px wide     5 %             6 %
Width of the soft edge [px]           0.92            1.04
====================================  ==============  ==============
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from pifuhd_ros.synthetic.blur import blur
from pifuhd_ros.synthetic.noise import smooth_noise, uniform

_REFERENCE_PX = 512
"""Lengths below are in pixels of crops of this size."""
_SHRINK = 2
"""The mask network sees a person in 256 pixels."""
_WARP_CELLS = 14
_WARP_PX = 1.15
"""Standard deviation of the outline's shift where a limb moves as a whole."""
_SWELL_CELLS = 16
_SWELL = 0.155
"""Standard deviation of the threshold, which makes limbs thinner and thicker."""
_BIAS, _BIAS_SPREAD = 0.57, 0.08
"""The threshold's mean, above one half because outlines lie inside, and its spread over images."""
_THRESHOLDS = (0.15, 0.85)
"""Beyond these, noise alone would make or unmake a person."""
_SOFT_PX = 1.15
"""Blur of the shrunk mask, in its pixels."""
_SLOPE = 7.5
"""Of the blurred mask at its edge: pixels it takes from 0 to 1."""
_COARSE = 32
"""Blobs are placed on a grid of so many cells a side."""
_MISSES, _MISS_CHANCE, _MISS_PX = 2, 0.14, (5.0, 20.0)
_LOSS_CHANCE, _LOSS_PX = 0.07, (18.0, 45.0)
"""Now and then a forearm, a thigh or all the hair is gone."""
_LEAK_CHANCE, _LEAK_PX = 0.12, (5.0, 14.0)


def _bump(
    places: torch.Tensor, chance: float, radius_px: tuple[float, float], generator: torch.Generator
) -> torch.Tensor:
    """(B, 1, n, n) a round bump of height 1 at a random place, or nothing.

    Args:
        places: (B, 1, n, n) how likely each place is.
        chance: That there is one.
        radius_px: Range of the radius, in pixels of the reference.
        generator: On the CPU.
    """
    count, _, n, _ = places.shape
    device = places.device
    likely = F.adaptive_avg_pool2d(places, _COARSE).flatten(1)
    # The largest of weights times exponential noise is a draw by those weights.
    luck = -torch.rand(count, _COARSE**2, generator=generator).clamp(min=1e-9).log().to(device)
    cell = (likely / luck.clamp(min=1e-9)).argmax(1)
    middle = torch.stack([cell // _COARSE, cell % _COARSE], 1)
    middle = (middle + uniform(generator, 0, 1, count, 2, device=device)) / _COARSE
    radius = uniform(generator, *radius_px, count, 1, 1, 1, device=device) / _REFERENCE_PX
    place = (torch.arange(n, device=device) + 0.5) / n
    down = place.view(1, 1, n, 1) - middle[:, 0].view(-1, 1, 1, 1)
    across = place.view(1, 1, 1, n) - middle[:, 1].view(-1, 1, 1, 1)
    exists = uniform(generator, 0, 1, count, 1, 1, 1, device=device) < chance
    return torch.exp(-(down.square() + across.square()) / (2 * radius.square())) * exists


def rough_masks(mask: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Masks (B, 1, S, S) in [0, 1] of the same people as a detector might draw them.

    Args:
        mask: (B, 1, S, S) true masks in [0, 1].
        generator: On the CPU.
    """
    count, _, size, _ = mask.shape
    device = mask.device
    n = max(_COARSE, size // _SHRINK)
    small = F.adaptive_avg_pool2d(mask, n)
    shift = smooth_noise(count, 2, n, _WARP_CELLS, generator, device).permute(0, 2, 3, 1)
    place = (torch.arange(n, device=device) + 0.5) * 2 / n - 1
    grid = torch.stack(torch.meshgrid(place, place, indexing="xy"), -1)
    grid = grid + shift * (2 * _WARP_PX / _REFERENCE_PX)
    moved = F.grid_sample(small, grid, align_corners=False)
    soft = blur(moved, torch.full((count, 2), _SOFT_PX, device=device))

    # Blobs eat from the outline inwards: all of a hand, a strip of a skirt, no hole in a chest.
    wide = F.adaptive_avg_pool2d(moved, _COARSE // 2)
    wide = F.interpolate(wide, size=(n, n), mode="bilinear", align_corners=False)
    outline = soft * (1 - soft)
    kinds = [(_MISS_CHANCE, _MISS_PX)] * _MISSES + [(_LOSS_CHANCE, _LOSS_PX)]
    for chance, radius_px in kinds:
        soft = soft - (1.9 - 1.2 * wide) * _bump(outline, chance, radius_px, generator)
    soft = soft + (0.6 + wide) * _bump(outline, _LEAK_CHANCE, _LEAK_PX, generator)
    worse = uniform(generator, 0.5, 1.6, count, 1, 1, 1, device=device)
    swell = _SWELL * worse * smooth_noise(count, 1, n, _SWELL_CELLS, generator, device)
    bias = _BIAS + _BIAS_SPREAD * torch.randn(count, 1, 1, 1, generator=generator).to(device)
    above = soft - (bias + swell).clamp(*_THRESHOLDS)
    above = F.interpolate(above, size=(size, size), mode="bilinear", align_corners=False)
    hardness = _SLOPE * uniform(generator, 0.7, 1.4, count, 1, 1, 1, device=device)
    return (above * hardness + 0.5).clamp(0, 1)
