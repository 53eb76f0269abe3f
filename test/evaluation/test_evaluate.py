from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shapes import box
from truths import HIGH, LOW, box_person, true_input

from pifuhd_ros.evaluation.albedo_maps import AlbedoMaps
from pifuhd_ros.evaluation.color_scores import AlbedoScores, ColorScores
from pifuhd_ros.evaluation.evaluate import (
    Case,
    PersonOutcome,
    gather_scores,
    measure_system,
)
from pifuhd_ros.evaluation.failure import Failure
from pifuhd_ros.evaluation.light_scores import LightReport, LightScores
from pifuhd_ros.evaluation.photo_space import resample
from pifuhd_ros.evaluation.provenance import (
    Weights,
    describe_machine,
    describe_weights,
    library_versions,
)
from pifuhd_ros.evaluation.report import (
    EvaluationReport,
    median_times_s,
    read_report,
    write_report,
)
from pifuhd_ros.evaluation.scores import SlopeScores, score_person
from pifuhd_ros.evaluation.sheet import ALBEDO_TITLES, TITLES, pick_people, save_sheet
from pifuhd_ros.evaluation.solid import mesh_occupancy
from pifuhd_ros.evaluation.systems import InflatedSilhouette, MeanBody, Prediction
from pifuhd_ros.evaluation.tables import (
    COLUMNS,
    markdown_table,
    mean_of,
    replace_between_markers,
)
from pifuhd_ros.geometry.crop_transforms import crop_from_model
from pifuhd_ros.types import Camera, Mesh, NormalMaps, PersonCrop, PifuhdError


class Oracle:
    """Predicts the box, moved by so much, in the crop's space; every third person is a failure."""

    def __init__(self, name: str, shift: tuple[float, float, float], fails: bool = False) -> None:
        self.name = name
        self._shift, self._fails, self._calls = np.array(shift), fails, 0

    def predict(self, crop: PersonCrop, camera: Camera | None) -> Prediction:
        self._calls += 1
        truth = box_person()
        mesh = box(LOW + self._shift, HIGH + self._shift)
        if self._fails and self._calls % 3 == 0:
            mesh = Mesh(mesh.vertices, mesh.faces[:0])
        return in_crop(Prediction(mesh, truth.normals, {"all": 0.5}), crop)


def in_crop(prediction: Prediction, crop: PersonCrop) -> Prediction:
    """A prediction of photo space in the space of a crop of it, the other way by hand."""
    truth = box_person()
    size = crop.mask.shape[-1]
    photo_from_crop = np.linalg.inv(truth.image_from_model) @ crop.image_from_crop
    crop_model_from_photo = np.linalg.inv(photo_from_crop @ crop_from_model(size))
    vertices = prediction.mesh.vertices * crop_model_from_photo[0, 0]
    vertices[:, :2] += crop_model_from_photo[:2, 2]
    front, back = (
        resample(side, crop.image_from_crop, size, size)
        for side in (prediction.normals.front, prediction.normals.back)
    )
    mesh = Mesh(vertices.astype(np.float32), prediction.mesh.faces)
    return replace(prediction, mesh=mesh, normals=NormalMaps(front, back))


def test_moved_person_is_measured_as_it_lies_and_after_icp() -> None:
    truth = box_person()
    step = np.array([0, 0, 0.05])
    moved = Prediction(box(LOW + step, HIGH + step), truth.normals, {"all": 0.5})
    scores = score_person(truth, moved, surface_samples=5000, solid_samples=20_000)
    # Of the box 0.2 deep, moved by 0.05: 0.15 / 0.25.
    assert scores.unaligned.iou == pytest.approx(0.6, abs=0.02)
    assert scores.icp.iou > 0.95
    assert scores.icp.chamfer_cm < 0.6 * scores.unaligned.chamfer_cm
    assert 0 < scores.legacy.pred_to_gt_cm < scores.unaligned.pred_to_gt_cm
    assert scores.normal_error_deg == pytest.approx(0.0, abs=0.1)
    assert scores.timings_s == {"all": 0.5}


def test_normal_error_is_the_mean_of_both_sides() -> None:
    truth = box_person()
    flipped = replace(truth.normals, back=-truth.normals.back)
    turned = Prediction(box(LOW, HIGH), flipped)
    scores = score_person(truth, turned, surface_samples=500, solid_samples=500)
    assert scores.normal_error_front_deg == pytest.approx(0.0, abs=0.1)
    assert scores.normal_error_back_deg == pytest.approx(180.0, abs=0.1)
    assert scores.normal_error_deg == pytest.approx(90.0, abs=0.1)


@cache
def run_small() -> tuple[EvaluationReport, list[Case], list[PersonOutcome]]:
    systems = [Oracle("exact", (0, 0, 0)), Oracle("moved", (0.1, 0, 0), fails=True)]
    outcomes, cases = [], []
    for number in range(3):
        truth = box_person(f"person {number}")
        given = true_input(truth)
        results = [
            measure_system(system, truth, given, surface_samples=2000, solid_samples=2000)
            for system in systems
        ]
        cases += [result for result in results[:1] if isinstance(result, Case)]
        scores = tuple(r if isinstance(r, Failure) else r.scores for r in results)
        outcomes.append(PersonOutcome(given.record, scores))
    report = EvaluationReport(
        split="made-up",
        count=3,
        seed=5,
        input="detected",
        photo_px=96,
        inputs=tuple(outcome.given for outcome in outcomes),
        surface_samples=2000,
        solid_samples=2000,
        resolution=64,
        weights=Weights("none.safetensors", "0123456789abcdef"),
        systems=gather_scores(["exact", "moved"], outcomes),
        versions=library_versions(),
        machine=describe_machine(torch.device("cpu")),
        workers=1,
        threads=2,
    )
    return report, cases, outcomes


def test_failures_are_counted_and_named_not_hidden() -> None:
    report, cases, _ = run_small()
    exact, moved = report.systems
    assert [len(exact.people), len(exact.failures)] == [3, 0]
    assert [len(moved.people), len(moved.failures)] == [2, 1]
    assert moved.failures[0].person == "person 2"
    assert "no faces" in moved.failures[0].message
    assert [case.truth.name for case in cases] == ["person 0", "person 1", "person 2"]
    chamfer = next(column for column in COLUMNS if column.title == "chamfer [cm]")
    assert mean_of(exact, chamfer) < 1.5 < mean_of(moved, chamfer)
    table = markdown_table(report)
    assert min(person.unaligned.iou for person in exact.people) > 0.97
    assert max(person.normal_error_deg for person in exact.people) < 3
    assert "`moved` (no shape for 1 of 3)" in table
    assert "sha256 `0123456789ab`" in table
    assert "3 made-up people (seed 5)" in table
    assert "3 whom it did not find by the true mask" in table
    assert "| P2S [cm] | chamfer [cm] | normal |" in table
    assert "- `exact`: all 0.500 s" in table
    assert "2 threads each of 1 process at work" in table
    true_input_table = markdown_table(replace(report, input="true"))
    assert "cropped by the true mask;" in true_input_table
    assert "did not find" not in true_input_table


def test_report_survives_the_file(tmp_path: Path) -> None:
    report, _, _ = run_small()
    path = tmp_path / "results" / "report.json"
    write_report(report, path)
    assert markdown_table(read_report(path)) == markdown_table(report)
    assert read_report(path).inputs == report.inputs
    data = json.loads(path.read_text(encoding="utf-8"))
    exact = data["systems"][0]
    iou = exact["summary"]["unaligned"]["iou"]
    assert iou["mean"] == pytest.approx(np.mean([p["unaligned"]["iou"] for p in exact["people"]]))
    keys = {"pred_to_gt_cm", "gt_to_pred_cm", "chamfer_cm", "normal_consistency", "f_score_1cm"}
    assert set(exact["summary"]["icp"]) == keys | {"iou"}
    assert set(exact["summary"]["legacy"]) == {"pred_to_gt_cm", "chamfer_cm", "normal_l2"}
    assert "normal_error_deg" in exact["summary"]
    assert exact["summary"]["times_s"] == {"all": 0.5}
    assert data["not_detected"] == 3
    assert data["inputs"][0] == {
        "person": "person 0",
        "detected": False,
        "mask_iou": 1.0,
        "timings_s": {},
    }


def test_colours_slopes_and_lights_survive_the_file_and_are_told(tmp_path: Path) -> None:
    report, _, _ = run_small()
    assert "PSNR" not in markdown_table(report)
    exact, moved = report.systems
    albedo, photo, mean = (AlbedoScores(20.0 + i, 18.0, 0.9, 0.8) for i in range(3))
    people = tuple(
        replace(
            person,
            colors=ColorScores(albedo, photo, mean, cover=0.95),
            slope=SlopeScores(mean=1.02, spread=0.07),
        )
        for person in exact.people
    )
    light = LightReport(8, (LightScores("person 0", 0.2, 0.08, 0.05, (20.0, 30.0)),))
    full = replace(report, systems=(replace(exact, people=people), moved), light=light)
    path = tmp_path / "report.json"
    write_report(full, path)
    assert read_report(path) == read_report(path)
    assert read_report(path).systems[0].people[0].colors == people[0].colors
    assert read_report(path).light == light
    table = markdown_table(full)
    assert markdown_table(read_report(path)) == table
    assert "of 3 people, over the pixels of the person that it covers (95 %)" in table
    assert "| `exact` | 20.0 | 18.0 | 0.900 | 0.800 |" in table
    assert "| the photo taken for it | 21.0 |" in table
    assert "near the surface: 1.020 ± 0.070" in table
    assert "Of 1 person in 8 lights each: " in table
    assert "0.40 of the photos' (mean; worst 0.40)" in table
    assert "25° off in the median" in table
    data = json.loads(path.read_text(encoding="utf-8"))
    summary = data["systems"][0]["summary"]
    assert summary["colors"]["photo"]["psnr_front_db"] == {"mean": 21.0, "median": 21.0}
    assert summary["slope"]["mean"]["mean"] == 1.02
    assert data["light"]["summary"]["error_deg"]["highest"] == 30
    assert "colors" not in data["systems"][1]["summary"]


def test_other_files_are_no_reports(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for text in ("", "{}", '{"format": "pifuhd_ros-evaluation/1"}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(PifuhdError, match="no evaluation report"):
            read_report(path)


def test_systems_without_any_shape_have_no_mean() -> None:
    report, _, _ = run_small()
    nobody = replace(report.systems[0], people=())
    assert np.isnan(mean_of(nobody, COLUMNS[0]))
    assert "| `exact` | – | –" in markdown_table(replace(report, systems=(nobody,)))


def test_text_between_markers_is_replaced_and_nothing_else() -> None:
    text = "before\n<!-- quality:begin -->\nold\n<!-- quality:end -->\nafter\n"
    once = replace_between_markers(text, "quality", "new\n")
    assert once == "before\n<!-- quality:begin -->\nnew\n<!-- quality:end -->\nafter\n"
    assert replace_between_markers(once, "quality", "new") == once
    with pytest.raises(ValueError, match="needs one <!-- speed:begin -->"):
        replace_between_markers(text, "speed", "new")


def test_median_of_each_stage_over_those_for_whom_it_ran() -> None:
    times = [{"detect": 1.0, "crop": 2.0}, {}, {"detect": 3.0}, {"detect": 8.0, "crop": 4.0}]
    assert median_times_s(times) == {"detect": 3.0, "crop": 3.0}
    assert median_times_s([]) == {}


def test_best_median_and_worst_are_picked_among_those_with_a_shape() -> None:
    _, _, outcomes = run_small()
    measured = []
    for outcome, chamfer_cm in zip([*outcomes, outcomes[0]], (3.0, 1.0, 2.0, None), strict=True):
        scores = outcome.results[0]
        assert not isinstance(scores, Failure)
        result = (
            Failure(scores.person, "empty")
            if chamfer_cm is None
            else replace(scores, unaligned=replace(scores.unaligned, chamfer_cm=chamfer_cm))
        )
        measured.append(replace(outcome, results=(result,)))
    assert pick_people(measured) == [("best", 1), ("median", 2), ("worst", 0)]
    assert pick_people(measured[2:]) == [("1.", 0)]
    assert pick_people(measured[3:]) == []


def test_sheet_has_a_row_for_each_case(tmp_path: Path) -> None:
    _, cases, _ = run_small()
    save_sheet([("best", cases[0])], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape[1] == len(TITLES) * 320
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
    case = cases[0]
    flat = torch.full((3, 96, 96), 0.25)
    truth = replace(case.truth, albedo=AlbedoMaps(flat, flat, flat[0]))
    maps = AlbedoMaps(flat[:, :64, :64], flat[:, :64, :64], flat[0, :64, :64])
    prediction = replace(case.prediction, albedo=maps)
    painted = replace(case, truth=truth, prediction=prediction)
    save_sheet([("best", painted)], tmp_path / "painted.png")
    with Image.open(tmp_path / "painted.png") as image:
        assert image.width == (len(TITLES) + len(ALBEDO_TITLES)) * 320
        assert image.getpixel(((len(TITLES) + 1) * 320 + 160, 190)) == (64, 64, 64)


@pytest.mark.parametrize("system", [MeanBody(), InflatedSilhouette()], ids=lambda s: s.name)
def test_baselines_make_measurable_shapes(system: MeanBody | InflatedSilhouette) -> None:
    truth = box_person()
    case = measure_system(
        system, truth, true_input(truth), surface_samples=3000, solid_samples=5000
    )
    assert isinstance(case, Case)
    person = case.scores
    assert 0 < person.unaligned.iou < 1
    assert 0 < person.unaligned.chamfer_cm < 40
    assert person.normal_error_deg < 60
    assert set(person.timings_s) == {"fit", "draw"}


def test_closed_truth_agrees_with_its_own_mesh() -> None:
    """The fake person above is consistent: its mesh and its occupancy are the same solid."""
    truth = box_person()
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    np.testing.assert_array_equal(mesh_occupancy(box(LOW, HIGH), points), truth.occupancy(points))


def test_provenance(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"abc")
    weights = describe_weights(path)
    assert weights.name == "a.safetensors"
    assert weights.sha256.startswith("ba7816bf8f01cfea")
    machine = describe_machine(torch.device("cpu"))
    assert machine.cores >= 1
    assert machine.memory_gb > 0.1
    assert machine.accelerator == "none"
    assert library_versions()["torch"] == torch.__version__
