"""``pifuhd improve``: better weights are kept, worse ones are not, and both are written down."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from pifuhd_ros.cli import improve
from pifuhd_ros.cli.main import main
from pifuhd_ros.cli.training_log import add_to_log, why_not_better
from pifuhd_ros.evaluation.evaluate import SystemScores
from pifuhd_ros.evaluation.failure import Failure
from pifuhd_ros.evaluation.legacy import LegacyScores
from pifuhd_ros.evaluation.scores import PersonScores, ShapeScores
from pifuhd_ros.networks.weights import load_network, save_weights
from pifuhd_ros.training.run import RunSummary, StageSummary


def _scores(chamfer_cm: float, iou: float = 0.8, back_deg: float = 20.0) -> SystemScores:
    values = dict.fromkeys(ShapeScores.__dataclass_fields__, chamfer_cm)
    shape = ShapeScores(**{**values, "normal_consistency": 0.8, "f_score_1cm": 0.5, "iou": iou})
    person = PersonScores(
        "someone", shape, shape, LegacyScores(3.0, 3.0, 0.1), 15.0, 10.0, back_deg, {}
    )
    return SystemScores("pifuhd", (person,))


_BEFORE = _scores(3.0)


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (_scores(2.9), None),
        (_scores(2.0, iou=0.79, back_deg=20.3), None),
        (_scores(3.0), "chamfer"),
        (_scores(float("nan")), "chamfer"),
        (_scores(2.0, iou=0.7), "IoU"),
        (_scores(2.0, back_deg=21.0), "back normals"),
        (replace(_scores(2.0), failures=(Failure("someone", "empty"),)), "no shape for 1"),
    ],
)
def test_chamfer_decides_and_nothing_else_may_suffer(
    after: SystemScores, reason: str | None
) -> None:
    found = why_not_better(_BEFORE, after)
    assert found is None if reason is None else reason in str(found)


def test_any_shape_is_better_than_none() -> None:
    none = SystemScores("pifuhd", (), (Failure("someone", "empty"),))
    assert why_not_better(none, _scores(9.0)) is None
    assert why_not_better(_scores(9.0), none) is not None


@pytest.fixture
def arguments(slab_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Training that writes other weights, in place of hours of it."""
    used = tmp_path / "pifuhd-lite.safetensors"
    used.write_bytes(slab_weights.read_bytes())
    log = tmp_path / "log.md"
    log.write_text("# Training log\n\nNewest first.\n\n## 2026-11-21: the first\n\nOld text.\n")

    def train_as_told(args: argparse.Namespace) -> RunSummary:
        args.out.mkdir()
        network = load_network(slab_weights)
        for parameter in network.parameters():
            parameter.data.add_(0.01)
        save_weights(args.out / "weights.safetensors", network)
        return RunSummary(False, (StageSummary("coarse", 70, 100, 560, 2.5),))

    monkeypatch.setattr(improve, "train_as_told", train_as_told)
    return [
        *("improve", "--config", "lite_cpu", "--set", "seed=4", "--data", "people"),
        *("--out", str(tmp_path / "run"), "--assets", "assets", "--accelerator", "cpu"),
        *("--weights", str(used), "--log", str(log), "--count", "3"),
    ]


@pytest.mark.parametrize("is_better", [True, False])
def test_only_better_weights_replace_and_the_log_tells(
    arguments: list[str], tmp_path: Path, is_better: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = _scores(2.5 if is_better else 3.5)
    monkeypatch.setattr(improve, "measure", lambda args, weights: [_BEFORE, after])
    used = tmp_path / "pifuhd-lite.safetensors"
    before = used.read_bytes()

    assert main(arguments) == 0

    made = (tmp_path / "run" / "weights.safetensors").read_bytes()
    assert used.read_bytes() == (made if is_better else before)
    log = (tmp_path / "log.md").read_text()
    assert log.startswith("# Training log\n\nNewest first.\n\n## 20")
    assert log.endswith("\n\n## 2026-11-21: the first\n\nOld text.\n")
    entry = log.split("\n## ")[1]
    assert ("`pifuhd-lite`, kept\n" in entry) == is_better
    assert ("not kept: chamfer" in entry) != is_better
    assert "| coarse | 70 of 100 | 560 | 2.5 |" in entry
    assert f"| chamfer [cm] | 3.00 | {2.5 if is_better else 3.5:.2f} |" in entry
    assert "3 held-out people (seed 0" in entry
    assert "seed 4" in entry


def test_a_missing_log_is_found_before_the_work(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.md").unlink()
    assert main(arguments) == 1
    assert "training log" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_both_are_measured_on_the_same_people(
    arguments: list[str], tmp_path: Path, packed_assets_file: Path
) -> None:
    arguments[arguments.index("assets")] = str(packed_assets_file)
    small = ["--count", "1", "--resolution", "64", "--samples", "2000"]
    assert main([*arguments, *small]) == 0
    assert "Measured on 1 held-out people" in (tmp_path / "log.md").read_text()


def test_the_projects_log_takes_an_entry(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "training-log.md").read_text()
    copy = tmp_path / "log.md"
    copy.write_text(text)
    add_to_log(copy, "## today\n\nEntry.\n")
    assert copy.read_text().replace("## today\n\nEntry.\n\n", "") == text
