"""Albedos in a photo of a box: what is compared, with what, and how it is told."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from shapes import box
from truths import HIGH, LOW, PHOTO_PX, box_person

from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps, render_albedo
from pifuhd_ros.evaluation.color_scores import ColorScores, score_colors
from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.types import Mesh, SurfaceError

FRONT, BACK = (0.2, 0.5, 0.8), (0.7, 0.3, 0.1)


def painted_box(front: tuple[float, ...] = FRONT, back: tuple[float, ...] = BACK) -> Mesh:
    """The box person, by corners whose colours are those of the side that they lie on."""
    mesh = box(LOW, HIGH)
    is_front = mesh.vertices[:, 2:] > 0
    colors = np.where(is_front, np.array(front), np.array(back))
    return replace(mesh, colors=np.rint(255 * colors).astype(np.uint8), shows="albedo")


def painted_person() -> GroundTruth:
    """The box person with albedo; its photo shows (40, 80, 160) where the person is."""
    return replace(box_person(), albedo=render_albedo(painted_box(), PHOTO_PX))


def test_albedo_is_drawn_from_both_sides_in_the_same_pixels() -> None:
    maps = render_albedo(painted_box(), PHOTO_PX)
    assert (maps.whole == box_person().silhouette).all()
    for image, colour in ((maps.front, FRONT), (maps.back, BACK)):
        inside = image[:, torch.from_numpy(maps.whole)]
        assert torch.allclose(inside, torch.tensor(colour)[:, None].expand_as(inside), atol=2e-3)
        assert not image[:, ~torch.from_numpy(maps.whole)].any()


def test_only_albedo_is_drawn_as_such() -> None:
    with pytest.raises(ValueError, match="'photo'"):
        render_albedo(replace(painted_box(), shows="photo"), 8)


def test_the_true_albedo_beats_both_baselines_and_each_has_its_known_error() -> None:
    truth = painted_person()
    assert truth.albedo is not None
    scores = score_colors(truth.photo, truth.albedo, truth.albedo)
    assert scores.cover == 1.0
    assert scores.albedo.psnr_front_db == scores.albedo.psnr_back_db == pytest.approx(100)
    assert scores.albedo.ssim_back == pytest.approx(1)
    photo = np.array([40, 80, 160]) / 255
    for found, colour in (
        (scores.photo.psnr_front_db, np.rint(255 * np.array(FRONT)) / 255),
        (scores.photo.psnr_back_db, np.rint(255 * np.array(BACK)) / 255),
    ):
        assert found == pytest.approx(-10 * np.log10(np.square(colour - photo).mean()), abs=0.01)
    # Of a photo of one colour this is the mean.
    assert scores.mean_color.psnr_front_db == pytest.approx(scores.photo.psnr_front_db, abs=0.01)
    assert ColorScores.from_json(asdict(scores)) == scores


def test_only_pixels_that_both_show_as_a_whole_count() -> None:
    truth = painted_person()
    true = truth.albedo
    assert true is not None
    cover = true.cover.clone()
    cover[: PHOTO_PX // 2] *= 0.5
    wrong = torch.where(cover < 0.9, 0.123, true.front)
    scores = score_colors(truth.photo, true, AlbedoMaps(wrong, true.back, cover))
    assert scores.albedo.psnr_front_db == pytest.approx(100)
    assert scores.cover == pytest.approx(float(cover.ge(0.9).sum() / true.cover.sum()))
    with pytest.raises(SurfaceError, match="covers nothing"):
        score_colors(truth.photo, true, replace(true, cover=torch.zeros_like(cover)))
