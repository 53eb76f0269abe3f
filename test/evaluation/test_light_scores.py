"""One box person in several lights: what stays the same, and where the light is found."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from test_color_scores import painted_person
from truths import CROP_PX, PHOTO_PX

from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps
from pifuhd_ros.evaluation.evaluate import measure_lights
from pifuhd_ros.evaluation.failure import Failure
from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.held_out import PersonInLights
from pifuhd_ros.evaluation.inputs import GivenInput, give_input
from pifuhd_ros.evaluation.light_scores import LightReport, LightScores, score_lights
from pifuhd_ros.evaluation.systems import Prediction
from pifuhd_ros.types import Camera, Mesh, NormalMaps, PersonCrop, SurfaceError

DIRECTIONS = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def lit_person() -> PersonInLights:
    """In three lights: its photo half, once and one and a half times as bright."""
    truth = painted_person()
    photos = [
        replace(truth.photo, rgb=(truth.photo.rgb * factor).astype(np.uint8))
        for factor in (0.5, 1.0, 1.5)
    ]
    return PersonInLights(truth, tuple(photos), DIRECTIONS)


def give(truth: GroundTruth) -> GivenInput:
    return give_input(truth, "true", lambda frame: [], CROP_PX)


class Painter:
    """Takes a share of the photo's brightness for the albedo, and one direction for the light."""

    name = "painter"

    def __init__(self, share: float, light: tuple[float, float, float]) -> None:
        self._share, self._light = share, np.array(light)

    def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
        cover = (crop.mask > 0.5).float()
        front = self._share * crop.image + (1 - self._share) * 0.5 * cover
        empty = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64))
        maps = AlbedoMaps(front, 0.5 * cover.expand(3, -1, -1), cover)
        normals = NormalMaps(front, front)
        return Prediction(empty, normals, albedo=maps, light=self._light)


def test_spread_and_angles_are_those_of_the_system() -> None:
    scores = measure_lights(Painter(0.4, (0, 0, 1)), lit_person(), give)
    assert isinstance(scores, LightScores)
    # Bytes of 0.5, 1 and 1.5 times the three colours.
    expected = np.std(np.floor(np.outer([0.5, 1, 1.5], [40, 80, 160])), axis=0).mean() / 255
    assert scores.photo_spread == pytest.approx(expected, rel=0.01)
    assert scores.spread_ratio == pytest.approx(0.4, abs=0.03)
    assert scores.albedo_spread_back == 0
    assert scores.errors_deg == pytest.approx((0, 90, 90), abs=1e-6)
    assert LightScores.from_json(asdict(scores)) == scores


def test_light_is_turned_from_the_crop_s_axes_to_the_photo_s() -> None:
    """A near camera sees the box, right of the middle and below, along a slanted ray."""
    person = lit_person()
    near = replace(person.truth, inverse_distance=0.5)
    middle = np.array([0.1, -0.1])
    ray = np.array([*(-0.5 * middle), 1.0]) / np.linalg.norm([*(-0.5 * middle), 1.0])
    slanted = replace(person, truth=near, directions=np.stack([ray] * 3))
    scores = measure_lights(Painter(0.4, (0, 0, 1)), slanted, give)
    assert isinstance(scores, LightScores)
    assert scores.errors_deg == pytest.approx((0, 0, 0), abs=0.5)


def test_a_system_without_a_shape_or_an_albedo() -> None:
    class Fails(Painter):
        def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
            raise SurfaceError("empty")

    class Knows(Painter):
        def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
            return replace(super().predict(crop, camera), light=None)

    failed = measure_lights(Fails(0, (0, 0, 1)), lit_person(), give)
    assert failed == Failure("box", "empty")
    with pytest.raises(ValueError, match="painter knows no"):
        measure_lights(Knows(0, (0, 0, 1)), lit_person(), give)


def test_nothing_covered_in_all_lights_is_an_error() -> None:
    person = lit_person()
    true = person.truth.albedo
    assert true is not None
    half = [true.cover.clone() for _ in range(2)]
    half[0][: PHOTO_PX // 2], half[1][PHOTO_PX // 2 :] = 0, 0
    albedos = [replace(true, cover=cover) for cover in half]
    photos, directions = person.photos[:2], DIRECTIONS[:2]
    with pytest.raises(SurfaceError, match="all lights"):
        score_lights("box", true, photos, albedos, directions, directions)


def test_report_of_lights() -> None:
    def person(spread: float, *errors: float) -> LightScores:
        return LightScores("p", 0.2, spread, 0.1, errors)

    outcomes: list[Any] = [person(0.05, 10, 20), Failure("q", "empty"), person(0.15, 30, 90)]
    report = LightReport.of(2, outcomes)
    assert [len(report.people), len(report.failures)] == [2, 1]
    assert report.summary()["spread_ratio"] == pytest.approx(
        {"mean": 0.5, "median": 0.5, "highest": 0.75}
    )
    assert report.summary()["error_deg"]["median"] == 25
    assert LightReport.from_json(asdict(report)) == report
