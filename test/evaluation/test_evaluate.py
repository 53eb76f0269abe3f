from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shapes import box

from pifuhd_ros.evaluation.evaluate import evaluate_systems
from pifuhd_ros.evaluation.ground_truth import GroundTruth
from pifuhd_ros.evaluation.normal_render import render_normals
from pifuhd_ros.evaluation.provenance import (
    Weights,
    describe_machine,
    describe_weights,
    library_versions,
)
from pifuhd_ros.evaluation.report import (
    COLUMNS,
    EvaluationReport,
    markdown_table,
    mean_of,
    read_report,
    replace_between_markers,
    write_report,
)
from pifuhd_ros.evaluation.samples import sample_surface
from pifuhd_ros.evaluation.scores import score_person
from pifuhd_ros.evaluation.sheet import pick_cases, save_sheet
from pifuhd_ros.evaluation.solid import mesh_occupancy
from pifuhd_ros.evaluation.systems import InflatedSilhouette, MeanBody, Prediction
from pifuhd_ros.types import Mesh, PersonCrop, PifuhdError

SIZE = 64
LOW, HIGH = np.array([-0.2, -0.9, -0.1]), np.array([0.2, 0.9, 0.1])


def box_person(name: str = "box") -> GroundTruth:
    """A person who is a box, 1.8 units high."""
    mesh = box(LOW, HIGH)
    flat = Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(36).reshape(12, 3))
    normals = render_normals(flat, SIZE)
    mask = (normals.front.abs().sum(dim=0) > 0).float()
    return GroundTruth(
        name=name,
        crop=PersonCrop(mask.expand(3, -1, -1), mask, np.eye(3)),
        normals=normals,
        surface=sample_surface(mesh, 5000, seed=7),
        occupancy=lambda points: ((points > LOW) & (points < HIGH)).all(axis=1),
        metres_per_unit=1.0,
    )


class Oracle:
    """Predicts the box, moved by so much; every third person is a failure."""

    def __init__(self, name: str, shift: tuple[float, float, float], fails: bool = False) -> None:
        self.name = name
        self._shift, self._fails, self._calls = np.array(shift, np.float32), fails, 0

    def predict(self, crop: PersonCrop) -> Prediction:
        self._calls += 1
        mesh = box(LOW, HIGH)
        if self._fails and self._calls % 3 == 0:
            mesh = Mesh(mesh.vertices, mesh.faces[:0])
        moved = Mesh(mesh.vertices + self._shift, mesh.faces)
        return Prediction(moved, box_person().normals, {"all": 0.5})


def test_moved_person_is_measured_as_it_lies_and_after_icp() -> None:
    truth = box_person()
    prediction = Oracle("moved", (0.0, 0.0, 0.05)).predict(truth.crop)
    scores = score_person(truth, prediction, surface_samples=5000, solid_samples=20_000)
    # Of the box 0.2 deep, moved by 0.05: 0.15 / 0.25.
    assert scores.unaligned.iou == pytest.approx(0.6, abs=0.02)
    assert scores.icp.iou > 0.95
    assert scores.icp.chamfer_cm < 0.6 * scores.unaligned.chamfer_cm
    assert scores.normal_error_deg == pytest.approx(0.0, abs=0.1)
    assert scores.timings_s == {"all": 0.5}


def test_normal_error_is_the_mean_of_both_sides() -> None:
    truth = box_person()
    prediction = Oracle("exact", (0, 0, 0)).predict(truth.crop)
    turned = replace(prediction, normals=replace(truth.normals, back=-truth.normals.back))
    scores = score_person(truth, turned, surface_samples=500, solid_samples=500)
    assert scores.normal_error_front_deg == pytest.approx(0.0, abs=0.1)
    assert scores.normal_error_back_deg == pytest.approx(180.0, abs=0.1)
    assert scores.normal_error_deg == pytest.approx(90.0, abs=0.1)


def run_small(failing: bool = True) -> tuple[EvaluationReport, list]:
    people = (box_person(f"person {i}") for i in range(3))
    systems = [Oracle("exact", (0, 0, 0)), Oracle("moved", (0.1, 0, 0), fails=failing)]
    seen: list[float] = []
    scores, cases = evaluate_systems(
        systems,
        people,
        3,
        surface_samples=2000,
        solid_samples=2000,
        keep_cases_of="exact",
        on_progress=lambda stage, share: seen.append(share),
    )
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1
    report = EvaluationReport(
        split="made-up",
        count=3,
        seed=5,
        surface_samples=2000,
        solid_samples=2000,
        resolution=64,
        weights=Weights("none.safetensors", "0123456789abcdef"),
        systems=tuple(scores),
        versions=library_versions(),
        machine=describe_machine(torch.device("cpu")),
    )
    return report, cases


def test_failures_are_counted_and_named_not_hidden() -> None:
    report, cases = run_small()
    exact, moved = report.systems
    assert [len(exact.people), len(exact.failures)] == [3, 0]
    assert [len(moved.people), len(moved.failures)] == [2, 1]
    assert moved.failures[0].person == "person 2"
    assert "no faces" in moved.failures[0].message
    assert [case.truth.name for case in cases] == ["person 0", "person 1", "person 2"]
    chamfer = next(column for column in COLUMNS if column.title == "chamfer [cm]")
    assert mean_of(exact, chamfer) < 1.5 < mean_of(moved, chamfer)
    table = markdown_table(report)
    assert "`moved` (no shape for 1 of 3)" in table
    assert "sha256 `0123456789ab`" in table
    assert "3 made-up people (seed 5)" in table


def test_report_survives_the_file(tmp_path: Path) -> None:
    report, _ = run_small()
    path = tmp_path / "results" / "report.json"
    write_report(report, path)
    assert markdown_table(read_report(path)) == markdown_table(report)
    data = json.loads(path.read_text(encoding="utf-8"))
    exact = data["systems"][0]
    iou = exact["summary"]["unaligned"]["iou"]
    assert iou["mean"] == pytest.approx(np.mean([p["unaligned"]["iou"] for p in exact["people"]]))
    keys = {"pred_to_gt_cm", "gt_to_pred_cm", "chamfer_cm", "normal_consistency", "f_score_1cm"}
    assert set(exact["summary"]["icp"]) == keys | {"iou"}
    assert "normal_error_deg" in exact["summary"]


def test_other_files_are_no_reports(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for text in ("", "{}", '{"format": "pifuhd_ros-evaluation/0"}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(PifuhdError, match="no evaluation report"):
            read_report(path)


def test_systems_without_any_shape_have_no_mean() -> None:
    report, _ = run_small()
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


def test_sheet_shows_best_median_and_worst(tmp_path: Path) -> None:
    _, cases = run_small()
    worse = [
        replace(case, scores=replace(case.scores, unaligned=replace(
            case.scores.unaligned, chamfer_cm=value
        )))
        for case, value in zip(cases, (3.0, 1.0, 2.0), strict=True)
    ]  # fmt: skip
    ranks = [(rank, case.truth.name) for rank, case in pick_cases(worse)]
    assert ranks == [("best", "person 1"), ("median", "person 2"), ("worst", "person 0")]
    save_sheet(worse[:1], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape[1] == 8 * 320
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
    with pytest.raises(ValueError, match="no case"):
        save_sheet([], tmp_path / "none.png")


def people_once() -> Iterator[GroundTruth]:
    yield box_person()


@pytest.mark.parametrize("system", [MeanBody(), InflatedSilhouette()], ids=lambda s: s.name)
def test_baselines_make_measurable_shapes(system: MeanBody | InflatedSilhouette) -> None:
    scores, _ = evaluate_systems(
        [system], people_once(), 1, surface_samples=3000, solid_samples=5000
    )
    assert not scores[0].failures
    person = scores[0].people[0]
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
