"""A photograph of a lit person in a place, as cameras and networks make it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from pifuhd_ros.synthetic.background import sample_backgrounds
from pifuhd_ros.synthetic.blur import blur
from pifuhd_ros.synthetic.detector_mask import rough_masks
from pifuhd_ros.synthetic.jpeg import jpeg
from pifuhd_ros.synthetic.light import GAMMA, Lights, sample_lights, shade, to_linear
from pifuhd_ros.synthetic.noise import uniform, white_noise
from pifuhd_ros.synthetic.occlusion import Occlusion

_REFERENCE_PX = 512
"""Blurs are in pixels of images of this size."""
_KNEE = 0.85
"""From this brightness on, highlights are compressed."""


@dataclass(frozen=True)
class Photo:
    """Views as a robot's camera and its detector give them."""

    image: torch.Tensor
    """(B, 3, S, S) in [0, 1], with its background."""
    mask: torch.Tensor
    """(B, 1, S, S) in [0, 1] as the detector would draw it."""
    lights: Lights


def _develop(light: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Stored colours of light: white balance, highlights, gamma and contrast of many cameras."""
    shape = (len(light), 1, 1, 1)
    device = light.device
    balance = torch.randn(len(light), 3, 1, 1, generator=generator).to(device)
    gamma = uniform(generator, 0.9, 1.12, *shape, device=device)
    contrast = uniform(generator, 0.85, 1.2, *shape, device=device)
    colours = (light * (0.06 * balance).exp()).clamp_(min=1e-4).pow_(gamma / GAMMA)
    above = (colours - _KNEE).clamp_(min=0).div_(1 - _KNEE)
    colours = colours.clamp_(max=_KNEE).add_(above.div_(1 + above), alpha=1 - _KNEE)
    return colours.sub_(0.45).mul_(contrast).add_(0.45)


def _with_noise(colours: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Sensor noise: some everywhere, more where there are more photons to count."""
    shape = (len(colours), 1, 1, 1)
    level = uniform(generator, 0, 1, *shape, device=colours.device) ** 2
    photons = uniform(generator, 0, 1, *shape, device=colours.device)
    noise = white_noise(tuple(colours.shape), generator, colours.device)
    spread = level * (0.015 + 0.03 * photons * colours.clamp(0, 1).sqrt_())
    return noise.mul_(spread).add_(colours)


def _resized(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images of which about half were smaller in the frame and have been enlarged."""
    size = images.shape[-1]
    shares = (0.4 + 1.2 * torch.rand(len(images), generator=generator)).clamp(max=1).tolist()
    result = images.clone()
    for i, share in enumerate(shares):
        if share < 1:
            small = F.interpolate(
                images[i : i + 1], size=(round(share * size),) * 2, mode="bilinear", antialias=True
            )
            result[i] = F.interpolate(small, size=(size, size), mode="bilinear")[0]
    return result


def photograph(
    light: torch.Tensor, mask: torch.Tensor, behind: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """What a camera makes of people in front of backgrounds, (B, 3, S, S) in [0, 1].

    Args:
        light: (B, 3, S, S) of the people, linear; see ``light.shade``.
        mask: (B, 1, S, S) in [0, 1].
        behind: (B, 3, S, S) light of the backgrounds, linear.
        generator: On the CPU.
    """
    count, size = len(light), light.shape[-1]
    device = light.device
    defocus = uniform(generator, 0, 1, count, 1, device=device) ** 3
    motion = uniform(generator, 0, 1, count, 2, device=device) ** 8
    sigma_px = (0.45 + 1.5 * defocus + 2.5 * motion) * size / _REFERENCE_PX
    seen = blur(behind + mask * (light - behind), sigma_px)
    colours = _resized(_with_noise(_develop(seen, generator), generator), generator)
    return jpeg(colours.clamp(0, 1), uniform(generator, 30, 95, count, device=device))


def take_photo(
    albedo: torch.Tensor,
    normals: torch.Tensor,
    mask: torch.Tensor,
    occlusion: Occlusion | None,
    generator: torch.Generator,
    lights: Lights | None = None,
) -> Photo:
    """Lights people, puts them somewhere, photographs them and draws the detector's mask.

    ``photo.image * photo.mask`` is what the reconstructor's crop shows (stages/cropping.py).

    Args:
        albedo: (B, 3, S, S) in [0, 1].
        normals: (B, 3, S, S) unit, model space, of the front.
        mask: (B, 1, S, S) in [0, 1].
        occlusion: What the people hide from themselves.
        generator: On the CPU; the images are made where the maps are.
        lights: Of the views; None draws some.
    """
    count, size = len(albedo), albedo.shape[-1]
    device = albedo.device
    if lights is None:
        lights = sample_lights(count, generator).to(device)
    gloss = uniform(generator, 0, 0.3, count, device=device) ** 2
    light = shade(albedo, normals, lights, occlusion, gloss)
    behind = to_linear(sample_backgrounds(count, size, generator, device))
    exposure = uniform(generator, -1.2, 0.8, count, 1, 1, 1, device=device).exp2()
    behind = behind * lights.tint[..., None, None] * exposure
    image = photograph(light, mask, behind, generator)
    return Photo(image, rough_masks(mask, generator), lights)
