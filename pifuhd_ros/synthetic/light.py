"""Lights a view: an environment in spherical harmonics, and a few lights with soft shadows."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch.nn import functional as F

from pifuhd_ros.synthetic.occlusion import Occlusion

GAMMA = 2.2
"""Between colours as files store them and light."""

_COSINE_LOBE = (math.pi, 2 * math.pi / 3, math.pi / 4)
"""What convolving with max(0, cos) does to each band. Source: Ramamoorthi and Hanrahan, "An
Efficient Representation for Irradiance Environment Maps", SIGGRAPH 2001, equation 8."""
_LOBE_BASE = 0.3
"""Walls and ceilings send some of their light from everywhere."""
_FACING = ((0.0, 0.0, 1.0), (0.6, 0.0, 0.8), (-0.6, 0.0, 0.8), (0.0, 0.6, 0.8), (0.0, -0.6, 0.8))
"""The normals whose mean light sets the exposure."""
_PRODUCTS = ((0, 1), (1, 2), (2, 2), (0, 2), (0, 0), (1, 1))
"""Of x, y and z, after 1, x, y and z themselves: the terms of a polynomial of second degree."""
_GLOSS_SQUARINGS = 4
"""The highlight's exponent is 2 to this power."""


@dataclass(frozen=True)
class Lights:
    """What lights each view of a batch, model space; a white sheet that faces it is about 1."""

    environment: torch.Tensor
    """(B, 9, 3) spherical harmonics of the radiance, bands 0 to 2, in the order of
    ``spherical_harmonics``."""
    directions: torch.Tensor
    """(B, L, 3) unit vectors towards the lights, the main one first."""
    colours: torch.Tensor
    """(B, L, 3) light that each throws on a surface facing it."""
    radii: torch.Tensor
    """(B, L) angular radius of each light, in radians: how soft its shadows are."""

    def to(self, device: torch.device) -> Lights:
        """The lights on a device."""
        return Lights(*(getattr(self, field.name).to(device) for field in fields(self)))

    def only(self, view: int) -> Lights:
        """Those of one view, as a batch of one."""
        one = slice(view, view + 1)
        return Lights(*(getattr(self, field.name)[one] for field in fields(self)))

    @property
    def tint(self) -> torch.Tensor:
        """(B, 3) colour of all the light together, of mean 1."""
        total = self.environment[:, 0] / 0.282095 + self.colours.sum(1)
        return total / total.mean(1, keepdim=True)


@dataclass(frozen=True)
class _Mood:
    """A kind of place: ranges that its lights are drawn from."""

    weight: float
    """How often it is drawn."""
    ambient: tuple[float, float]
    ceiling: tuple[float, float]
    walls: tuple[float, float]
    floor: tuple[float, float]
    key: tuple[float, float]
    """Strength of the main light."""
    second: tuple[float, float]
    elevation_deg: tuple[float, float]
    azimuth_deg: tuple[float, float]
    """Of the main light, from the camera's side, to the left or the right."""
    radius: tuple[float, float]
    warmth: tuple[float, float]
    """Of the main light: -1 blue, 1 orange."""
    tint: tuple[float, float]
    """How coloured everything is."""


_MOODS = {
    "room": _Mood(
        weight=3.0,
        ambient=(0.08, 0.35),
        ceiling=(0.4, 0.9),
        walls=(0.1, 0.5),
        floor=(0.05, 0.3),
        key=(0.1, 0.6),
        second=(0.0, 0.4),
        elevation_deg=(30, 80),
        azimuth_deg=(0, 90),
        radius=(0.3, 0.7),
        warmth=(-0.1, 0.5),
        tint=(0.05, 0.2),
    ),
    "overcast": _Mood(
        weight=1.5,
        ambient=(0.1, 0.3),
        ceiling=(0.8, 1.2),
        walls=(0.1, 0.3),
        floor=(0.1, 0.4),
        key=(0.0, 0.2),
        second=(0.0, 0.05),
        elevation_deg=(40, 80),
        azimuth_deg=(0, 120),
        radius=(0.5, 0.9),
        warmth=(-0.3, 0.0),
        tint=(0.02, 0.1),
    ),
    "sun": _Mood(
        weight=2.0,
        ambient=(0.06, 0.2),
        ceiling=(0.2, 0.5),
        walls=(0.05, 0.2),
        floor=(0.1, 0.4),
        key=(0.6, 1.3),
        second=(0.0, 0.05),
        elevation_deg=(15, 70),
        azimuth_deg=(0, 100),
        radius=(0.03, 0.12),
        warmth=(-0.1, 0.5),
        tint=(0.02, 0.1),
    ),
    "window": _Mood(
        weight=1.5,
        ambient=(0.05, 0.2),
        ceiling=(0.05, 0.3),
        walls=(0.05, 0.3),
        floor=(0.05, 0.2),
        key=(0.5, 1.1),
        second=(0.0, 0.3),
        elevation_deg=(0, 35),
        azimuth_deg=(30, 100),
        radius=(0.4, 0.8),
        warmth=(-0.4, 0.1),
        tint=(0.03, 0.15),
    ),
    "lamp at night": _Mood(
        weight=0.7,
        ambient=(0.06, 0.15),
        ceiling=(0.05, 0.15),
        walls=(0.03, 0.1),
        floor=(0.02, 0.1),
        key=(0.7, 1.1),
        second=(0.0, 0.1),
        elevation_deg=(20, 65),
        azimuth_deg=(0, 60),
        radius=(0.08, 0.25),
        warmth=(0.2, 0.9),
        tint=(0.05, 0.2),
    ),
    "coloured": _Mood(
        weight=0.5,
        ambient=(0.15, 0.3),
        ceiling=(0.1, 0.4),
        walls=(0.2, 0.6),
        floor=(0.05, 0.3),
        key=(0.3, 0.8),
        second=(0.2, 0.6),
        elevation_deg=(10, 60),
        azimuth_deg=(0, 110),
        radius=(0.1, 0.5),
        warmth=(-0.8, 0.8),
        tint=(0.4, 0.8),
    ),
}


def to_linear(colours: torch.Tensor) -> torch.Tensor:
    """Light or reflectance of colours in [0, 1] as files store them."""
    return colours.clamp(min=0).pow(GAMMA)


def to_display(light: torch.Tensor) -> torch.Tensor:
    """Colours in [0, 1] as files store them, of light; what is brighter than 1 is white."""
    return light.clamp(0, 1).pow(1 / GAMMA)


def spherical_harmonics(directions: torch.Tensor) -> torch.Tensor:
    """The nine real spherical harmonics (…, 9) of bands 0 to 2 at unit vectors (…, 3)."""
    x, y, z = directions.unbind(-1)
    values = [torch.full_like(x, 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x]
    values += [1.092548 * x * y, 1.092548 * y * z, 0.315392 * (3 * z * z - 1)]
    values += [1.092548 * x * z, 0.546274 * (x * x - y * y)]
    return torch.stack(values, -1)


def _band_weights(device: torch.device) -> torch.Tensor:
    """(9, 1) what a cosine lobe does to each coefficient."""
    zero, one, two = _COSINE_LOBE
    return torch.tensor([zero, *[one] * 3, *[two] * 5], device=device)[:, None]


def _polynomial(environment: torch.Tensor) -> torch.Tensor:
    """(B, 3, 10) of irradiance over pi as weights of 1, x, y, z and _PRODUCTS."""
    c = (environment * _band_weights(environment.device) / math.pi).transpose(1, 2)
    c0, cy, cz, cx, cxy, cyz, czz, cxz, cd = c.unbind(-1)
    terms = [0.282095 * c0 - 0.315392 * czz, 0.488603 * cx, 0.488603 * cy, 0.488603 * cz]
    terms += [1.092548 * cxy, 1.092548 * cyz, 0.946176 * czz, 1.092548 * cxz]
    terms += [0.546274 * cd, -0.546274 * cd]
    return torch.stack(terms, -1)


def ambient_light(environment: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    """Light (B, 3, S, S) that the environment (B, 9, 3) throws on unit normals (B, 3, S, S)."""
    count, _, height, width = normals.shape
    basis = normals.new_empty(count, 3 + len(_PRODUCTS), height, width)
    basis[:, :3] = normals
    for i, (first, second) in enumerate(_PRODUCTS, start=3):
        torch.mul(normals[:, first], normals[:, second], out=basis[:, i])
    weights = _polynomial(environment)
    light = torch.baddbmm(weights[..., :1], weights[..., 1:], basis.flatten(2))
    return light.view_as(normals).clamp_(min=0)


def _on_sphere(azimuth: torch.Tensor, elevation: torch.Tensor) -> torch.Tensor:
    """Unit vectors (…, 3); azimuth 0 is towards the camera, elevation up, in radians."""
    level = elevation.cos()
    return torch.stack([level * azimuth.sin(), elevation.sin(), level * azimuth.cos()], -1)


def sample_lights(count: int, generator: torch.Generator) -> Lights:
    """Lights of rooms, cloudy and sunny days, windows, lamps at night and coloured lamps.

    They are as bright together as a camera would make them: the mean light on what faces the
    camera is 1, give or take half a stop.

    Args:
        count: Views in the batch.
        generator: On the CPU, as the lights are.
    """
    moods = list(_MOODS.values())
    weights = torch.tensor([mood.weight for mood in moods])
    kind = torch.multinomial(weights, count, replacement=True, generator=generator)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(count, *shape, generator=generator)

    drawn: dict[str, torch.Tensor] = {}
    for field in fields(_Mood):
        if field.name != "weight":
            low, high = torch.tensor([getattr(mood, field.name) for mood in moods])[kind].T
            drawn[field.name] = low + (high - low) * rand()

    def coloured(strength: torch.Tensor) -> torch.Tensor:
        # Lamps, skies and paint differ more between blue and orange than in any other way.
        shift = torch.randn(count, 1, generator=generator) * torch.tensor([0.7, 0.0, -1.0])
        shift = shift + 0.4 * torch.randn(count, 3, generator=generator)
        return strength[:, None] * (drawn["tint"][:, None] * shift).clamp(-0.8, 1).exp()

    # Left and right walls, one of them partly behind the camera; ceiling and floor.
    around = 2 * math.pi * rand(2)
    level = _on_sphere(around, torch.zeros(count, 2))
    up = torch.tensor([0.0, 1.0, 0.0]).expand(count, 1, 3)
    lobes = torch.cat([level, up, -up], 1)
    names = ("walls", "walls", "ceiling", "floor")
    strengths = torch.stack([coloured(drawn[name]) for name in names], 1)
    waves = _band_weights(strengths.device)[:, 0] * spherical_harmonics(lobes)
    waves[..., 0] += _LOBE_BASE * waves[..., 0]
    environment = torch.einsum("bln,blc->bnc", waves, strengths) / math.pi
    environment[:, 0] += coloured(drawn["ambient"]) / 0.282095

    side = torch.where(rand() < 0.5, -1.0, 1.0)
    azimuth = torch.stack([side * drawn["azimuth_deg"], 360 * rand()], 1).deg2rad()
    elevation = torch.stack([drawn["elevation_deg"], 70 * rand()], 1).deg2rad()
    warm = drawn["warmth"][:, None] * torch.tensor([0.35, 0.0, -0.6])
    colours = torch.stack([coloured(drawn["key"]) * warm.exp(), coloured(drawn["second"])], 1)
    radii = torch.stack([drawn["radius"], 0.2 + 0.3 * rand()], 1)
    lights = Lights(environment, _on_sphere(azimuth, elevation), colours, radii)

    facing = torch.tensor(_FACING).T.reshape(1, 3, 1, -1).expand(count, -1, -1, -1)
    seen = (_direct_light(lights, facing, None) + ambient_light(environment, facing)).mean(
        (1, 2, 3)
    )
    stops = (0.5 * torch.randn(count, generator=generator)).clamp(-1.2, 0.9)
    gain = (2**stops / seen)[:, None, None]
    return Lights(environment * gain, lights.directions, colours * gain, radii)


def main_direction(lights: Lights) -> torch.Tensor:
    """Unit vectors (B, 3) to where most light comes from, environment and lights together.

    That is the mean normal of a ball, weighed by the light on it (see ``white_shading``).
    """
    bright = torch.einsum("blc,blk->bk", lights.colours, lights.directions)
    # Of max(0, cos) the first band is 1/2 cos; of the environment, see ambient_light, 2/3.
    bands = lights.environment[:, 1:4].sum(2)[:, [2, 0, 1]] * (4 / 3 * 0.488603)
    return F.normalize(bright + bands, dim=1)


def white_shading(lights: Lights, normals: torch.Tensor) -> torch.Tensor:
    """What white surfaces with unit normals (K, 3) show in each light, (B, K, 3), 0 or more.

    Colours as files store them are multiplied by it: nothing hides the lights, nothing is clipped.
    """
    facing = normals.T.reshape(1, 3, 1, -1).expand(len(lights.directions), -1, -1, -1)
    light = _direct_light(lights, facing, None) + ambient_light(lights.environment, facing)
    return light[:, :, 0].transpose(1, 2).clamp(min=0).pow(1 / GAMMA)


def _direct_light(
    lights: Lights, normals: torch.Tensor, occlusion: Occlusion | None
) -> torch.Tensor:
    """Light (B, 3, S, S) that the lights throw on the normals, where they are not hidden."""
    count, _, height, width = normals.shape
    amount = torch.bmm(lights.directions, normals.flatten(2)).clamp(min=0)
    if occlusion is not None:
        amount = amount * occlusion.visibility(lights.directions, lights.radii).flatten(2)
    light = torch.bmm(lights.colours.transpose(1, 2), amount)
    return light.view(count, 3, height, width)


def shade(
    albedo: torch.Tensor,
    normals: torch.Tensor,
    lights: Lights,
    occlusion: Occlusion | None = None,
    gloss: torch.Tensor | None = None,
) -> torch.Tensor:
    """Light (B, 3, S, S) that the views send to the camera: linear, 0 to above 1.

    ``to_display`` or a ``photograph`` makes an image of it.

    Args:
        albedo: (B, 3, S, S) in [0, 1], as textures store it.
        normals: (B, 3, S, S) unit, model space.
        lights: On the device of the others.
        occlusion: What the person hides from itself.
        gloss: (B,) strength of the first light's highlight; skin and cloth have little, 0 to 0.1.
    """
    if occlusion is None:
        ambient = ambient_light(lights.environment, normals)
    else:
        ambient = ambient_light(lights.environment, occlusion.bend(normals)) * occlusion.ambient
    light = ambient.add_(_direct_light(lights, normals, occlusion)).mul_(to_linear(albedo))
    if gloss is not None:
        view = torch.tensor([0.0, 0.0, 1.0], device=normals.device)
        halfway = F.normalize(lights.directions[:, :1] + view, dim=-1)
        peak = torch.bmm(halfway, normals.flatten(2)).clamp(min=0)
        for _ in range(_GLOSS_SQUARINGS):
            peak.square_()
        if occlusion is not None:
            peak = peak * occlusion.ambient.flatten(2)
        shine = (lights.colours[:, :1] * gloss[:, None, None]).transpose(1, 2) * peak
        light += shine.view_as(light)
    return light
