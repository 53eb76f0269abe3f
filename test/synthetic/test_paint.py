"""Paint: textures, patterns and the table of many parts."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from pifuhd_ros.synthetic.paint import (
    PATTERNS,
    Paint,
    albedo_of,
    sample_cloth_paint,
    sample_textures,
    stack_paints,
)
from pifuhd_ros.synthetic.random import Dice
from pifuhd_ros.synthetic.weave import weave_normal_maps, without_logos


def _textures() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, 4, 16, 16), generator=generator, dtype=torch.uint8)


def test_textures_are_sampled_as_torch_samples_them() -> None:
    textures = _textures()
    uv = torch.rand(200, 2, generator=torch.Generator().manual_seed(1)) * 4 - 2
    for i in range(3):
        grid = ((uv - uv.floor()) * 2 - 1).view(1, 1, -1, 2)
        expected = F.grid_sample(
            textures[i][None].float() / 255, grid, padding_mode="border", align_corners=False
        )[0, :, 0].T
        index = torch.full((200,), i)
        assert torch.allclose(sample_textures(textures, index, uv), expected, atol=1e-4)
        last = textures.contiguous(memory_format=torch.channels_last)
        assert torch.equal(sample_textures(last, index, uv), sample_textures(textures, index, uv))
    assert (sample_textures(textures, torch.full((200,), -1), uv) == 1).all()


def test_parts_get_their_own_paint() -> None:
    textures = _textures()
    paints = [
        Paint((0.2, 0.4, 0.6), 0.0),
        Paint((1.0, 1.0, 1.0), 1.0),
        Paint((0.1, 0.1, 0.1), 0.0, "stripes", (0.9, 0.9, 0.9), (0.0, 60.0, 0.0)),
    ]
    table = stack_paints(paints, [-1, 2, 0])
    part = torch.arange(3).repeat(100)
    uv = torch.rand(300, 2, generator=torch.Generator().manual_seed(2))
    rest = torch.rand(300, 3, generator=torch.Generator().manual_seed(3))
    albedo = albedo_of(table, textures, part, uv, rest)
    assert torch.allclose(albedo[part == 0], torch.tensor([0.2, 0.4, 0.6]).expand(100, 3))
    own = sample_textures(textures, torch.full((100,), 2), uv[part == 1])[:, :3]
    assert torch.allclose(albedo[part == 1], own, atol=1e-6)
    striped = albedo[part == 2]
    crest = (60 * rest[part == 2, 1]).sin()
    assert torch.allclose(striped[crest > 0.5], torch.full((1,), 0.9))
    assert torch.allclose(striped[crest < -0.5], torch.full((1,), 0.1))


def test_every_pattern_shows_both_colours_and_nothing_else() -> None:
    rest = torch.rand(4000, 3, generator=torch.Generator().manual_seed(4)) - 0.5
    uv = torch.zeros(4000, 2)
    part = torch.zeros(4000, dtype=torch.int64)
    for pattern in PATTERNS:
        wave = (
            (0.0, 0.1, 0.2)
            if pattern in ("disc", "blocks", "fade", "halves")
            else (90.0, 20.0, 0.0)
        )
        paint = Paint((0.1, 0.1, 0.1), 0.0, pattern, (0.9, 0.9, 0.9), wave)
        albedo = albedo_of(stack_paints([paint], [-1]), _textures(), part, uv, rest)
        assert albedo.min() > 0.09, pattern
        assert albedo.max() < 0.91, pattern
        assert (albedo.amax() > 0.5) == (pattern != "plain"), pattern


def test_paints_repeat_with_their_seed() -> None:
    first = [sample_cloth_paint(Dice(s), s % 2 == 0, (0.0, 0.4, 0.1)) for s in range(120)]
    again = [sample_cloth_paint(Dice(s), s % 2 == 0, (0.0, 0.4, 0.1)) for s in range(120)]
    assert first == again
    assert {paint.pattern for paint in first} > {"plain", "stripes", "disc"}


def test_logos_go_and_the_rest_stays() -> None:
    texture = torch.full((3, 64, 64), 80, dtype=torch.uint8)
    texture[:, 20:30, 20:30] = 250
    mended = without_logos(texture, ((0.25, 0.25, 0.5, 0.5),))
    assert (mended == 80).all()
    untouched = without_logos(texture, ((0.6, 0.6, 0.8, 0.8),))
    assert torch.equal(untouched, texture)


def test_weaves_repeat_and_are_unit_normals() -> None:
    for weave in weave_normal_maps(64):
        normal = weave.float() / 127.5 - 1
        assert (normal.norm(dim=0) - 1).abs().max() < 0.02
        assert normal[2].min() > 0.4
        inside = (normal[:, :, 1:] - normal[:, :, :-1]).abs().max()
        assert (normal[:, :, 0] - normal[:, :, -1]).abs().max() <= inside + 0.02
