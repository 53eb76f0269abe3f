from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pifuhd_ros.cli.main import main
from pifuhd_ros.evaluation.report import markdown_table, read_report
from pifuhd_ros.networks.pifuhd import LITE, PifuhdNetwork
from pifuhd_ros.networks.weights import save_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an untrained network for small crops."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_weights(path, PifuhdNetwork(replace(LITE, fine_size=128, coarse_size=64)))
    return path


def test_evaluate_writes_report_table_and_sheet(
    weights: Path,
    packed_assets_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- quality:begin --><!-- quality:end -->\nb\n", encoding="utf-8")
    out = tmp_path / "results" / "report.json"
    arguments = ["--count", "1", "--samples", "1000", "--resolution", "32"]
    arguments += ["--assets", str(packed_assets_file), "--weights", str(weights), "--out", str(out)]
    assert main(["evaluate", *arguments, "--device", "cpu", "--readme", str(readme)]) == 0
    table = markdown_table(read_report(out))
    assert table in capsys.readouterr().out
    assert table.strip() in readme.read_text(encoding="utf-8")
    assert "`pifuhd`" in table
    assert "silhouette inflated" in table
    assert "weights `untrained.safetensors`" in table


def test_evaluate_fails_before_the_work(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["evaluate", "--out", str(tmp_path / "report.json"), "--assets", "none.safetensors"]
    readme = tmp_path / "README.md"
    readme.write_text("no markers", encoding="utf-8")
    assert main([*common, "--weights", str(weights), "--readme", str(readme)]) == 1
    assert "quality:begin" in capsys.readouterr().err
    assert main([*common, "--weights", str(weights), "--readme", str(tmp_path / "none.md")]) == 1
    assert "none.md" in capsys.readouterr().err
    assert main([*common, "--weights", str(tmp_path / "none.safetensors")]) == 1
    assert "none.safetensors" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*common, "--count", "0"])
