from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pifuhd_ros.cli.main import main
from pifuhd_ros.evaluation.evaluate import PersonOutcome
from pifuhd_ros.evaluation.failure import Failure
from pifuhd_ros.evaluation.measurement import Measurement, MeasurementConfig, measure_people
from pifuhd_ros.evaluation.report import read_report
from pifuhd_ros.evaluation.scores import PersonScores
from pifuhd_ros.evaluation.tables import markdown_table


def test_evaluate_writes_report_table_and_sheet(
    slab_weights: Path,
    packed_assets_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- quality:begin --><!-- quality:end -->\nb\n", encoding="utf-8")
    out = tmp_path / "results" / "report.json"
    arguments = ["--count", "1", "--samples", "1000", "--resolution", "32", "--workers", "1"]
    arguments += ["--sheet", str(tmp_path / "sheet.png")]
    arguments += ["--assets", str(packed_assets_file), "--weights", str(slab_weights)]
    arguments += ["--out", str(out), "--photo-size", "256"]
    assert main(["evaluate", *arguments, "--device", "cpu", "--readme", str(readme)]) == 0
    table = markdown_table(read_report(out))
    assert table in capsys.readouterr().out
    assert table.strip() in readme.read_text(encoding="utf-8")
    assert "`pifuhd`" in table
    assert "silhouette inflated" in table
    assert "as the detector finds them" in table
    assert "- for all: detect" in table
    assert (tmp_path / "sheet.png").is_file()
    assert "weights `slab.safetensors`" in table


def test_phorhum_is_measured_on_the_same_people(
    phorhum_slab_weights: Path, packed_assets_file: Path
) -> None:
    config = MeasurementConfig(
        packed_assets_file,
        input="true",
        photo_px=192,
        surface_samples=500,
        solid_samples=500,
        system="phorhum",
        weights=phorhum_slab_weights,
        device="cpu",
        resolution=32,
        with_baselines=False,
    )
    measurement = Measurement(config)
    try:
        [scores] = measurement.measure(0).results
    finally:
        measurement.close()
    assert isinstance(scores, PersonScores)
    assert list(scores.timings_s) == ["features", "surface", "clean", "colour"]
    assert scores.normal_error_front_deg < 90
    # A slab of slope 1 whose albedo is the photo, but for the resolution of its mesh.
    assert scores.slope is not None
    assert scores.slope.mean == pytest.approx(1, abs=0.01)
    assert scores.slope.spread < 0.2
    assert scores.colors is not None
    assert scores.colors.cover > 0.9
    albedo, photo = scores.colors.albedo, scores.colors.photo
    assert albedo.psnr_front_db == pytest.approx(photo.psnr_front_db, abs=2)
    assert albedo.psnr_back_db == pytest.approx(photo.psnr_back_db, abs=2)


def test_phorhum_is_measured_in_eight_lights(
    phorhum_slab_weights: Path,
    packed_assets_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "report.json"
    arguments = ["--count", "1", "--samples", "500", "--resolution", "32", "--workers", "1"]
    arguments += ["--assets", str(packed_assets_file), "--weights", str(phorhum_slab_weights)]
    arguments += ["--system", "phorhum", "--no-baselines", "--light-people", "1"]
    arguments += ["--input", "true", "--photo-size", "192", "--device", "cpu", "--out", str(out)]
    assert main(["evaluate", *arguments]) == 0
    report = read_report(out)
    assert [scores.system for scores in report.systems] == ["phorhum"]
    assert report.light is not None
    (person,) = report.light.people
    assert len(person.errors_deg) == report.light.lights == 8
    # The albedo is the photo: it changes as much.
    assert 0.7 < person.spread_ratio < 1.1
    # Stored figures are rounded, so a last digit of the printed table may differ.
    printed = capsys.readouterr().out
    for text in (
        "Albedo of the coloured mesh, of 1 people",
        "gradient near",
        "1 person in 8 lights",
    ):
        assert text in printed


def test_figures_do_not_depend_on_the_number_of_processes(
    slab_weights: Path, packed_assets_file: Path
) -> None:
    config = MeasurementConfig(
        packed_assets_file,
        photo_px=192,
        surface_samples=500,
        solid_samples=500,
        weights=slab_weights,
        device="cpu",
        resolution=32,
    )
    measurement = Measurement(config)
    shares: list[float] = []
    try:
        alone, shared = (
            measure_people(measurement, 2, workers, lambda stage, share: shares.append(share))
            for workers in (1, 2)
        )
    finally:
        measurement.close()
    assert shares == [0.5, 1.0, 0.5, 1.0]

    def figures(outcome: PersonOutcome) -> list[PersonScores | Failure]:
        """All but the times."""
        return [
            result if isinstance(result, Failure) else replace(result, timings_s={})
            for result in outcome.results
        ]

    assert [figures(outcome) for outcome in alone] == [figures(outcome) for outcome in shared]
    assert [o.given.mask_iou for o in alone] == [o.given.mask_iou for o in shared]
    assert len({outcome.given.person for outcome in alone}) == 2


def test_evaluate_fails_before_the_work(
    slab_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["evaluate", "--out", str(tmp_path / "report.json"), "--assets", "none.safetensors"]
    readme = tmp_path / "README.md"
    readme.write_text("no markers", encoding="utf-8")
    assert main([*common, "--weights", str(slab_weights), "--readme", str(readme)]) == 1
    assert "quality:begin" in capsys.readouterr().err
    assert (
        main([*common, "--weights", str(slab_weights), "--readme", str(tmp_path / "none.md")]) == 1
    )
    assert "none.md" in capsys.readouterr().err
    weights = ["--weights", str(slab_weights)]
    assert main([*common, *weights, "--readme", str(tmp_path / "none.md")]) == 1
    assert "none.md" in capsys.readouterr().err
    assert main([*common, "--weights", str(tmp_path / "none.safetensors")]) == 1
    assert "none.safetensors" in capsys.readouterr().err
    for wrong in (["--count", "0"], ["--light-people", "-1"]):
        with pytest.raises(SystemExit, match="2"):
            main([*common, *wrong])
