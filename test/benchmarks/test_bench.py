from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from pifuhd_ros.networks.weights import default_weights_path

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def benchmarks_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_stages_are_summed_up_over_runs() -> None:
    from measure import Timing, summarize_stages

    runs = [{"a": 1.0, "b": 5.0}, {"a": 3.0, "b": 5.0}, {"a": 2.0, "b": 1.0}]
    stages, total = summarize_stages(runs)
    assert stages["a"] == Timing(2.0, 1.0, 3.0, 3)
    assert total == Timing(6.0, 3.0, 8.0, 3)
    with pytest.raises(ValueError, match="different stages"):
        summarize_stages([{"a": 1.0}, {"b": 1.0}])


def test_peak_memory_sees_what_was_held_and_let_go() -> None:
    """In a fresh process: this one may have held more before."""
    script = (
        "import numpy as np; from measure import peak_memory_gb; before = peak_memory_gb();"
        "held = np.ones(300_000_000, np.uint8); del held; print(peak_memory_gb() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT / "benchmarks",
        capture_output=True,
        text=True,
        check=True,
    )
    assert 0.2 < float(done.stdout) < 0.4


def test_capsule_person_is_a_person() -> None:
    from person_shape import CapsulePerson

    person = CapsulePerson(torch.device("cpu"))
    points = torch.tensor([[0, 0.78, 0.02], [0, 0.2, 0], [0.13, -0.44, 0.02], [0, -0.6, 0]])
    values = person.query(torch.cat([points, torch.full((1, 3), 0.95)]))
    assert (values > person.level).tolist() == [True, True, True, False, False]


def test_person_instead_asks_the_network_and_answers_for_it() -> None:
    from person_shape import CapsulePerson, PersonInstead

    class Noise:
        level, inside_is_above, device = 0.5, True, torch.device("cpu")
        asked = 0

        def query(self, points: torch.Tensor) -> torch.Tensor:
            self.asked += len(points)
            return torch.full((len(points),), torch.nan)

    noise, points = Noise(), torch.rand(100, 3) * 2 - 1
    answers = PersonInstead(noise).query(points)
    assert noise.asked == 100
    assert torch.equal(answers, CapsulePerson(noise.device).query(points))


def test_arithmetic_of_the_published_network() -> None:
    """As counted by hand from the published architecture: 2 × 435 + 212 + 932 GFLOP."""
    from arithmetic import encoding_gflop, point_mflop

    from pifuhd_ros.networks.pifuhd import PUBLISHED

    assert encoding_gflop(PUBLISHED) == pytest.approx(2014, abs=2)
    assert point_mflop(PUBLISHED) == pytest.approx(2.92, abs=0.01)


def test_arithmetic_of_phorhum_s_points() -> None:
    """Two products a weight: the layers of the point network, and nothing else, once a point."""
    from arithmetic import encoding_gflop, point_mflop

    from pifuhd_ros.networks.phorhum import PUBLISHED, PhorhumNetwork

    with torch.device("meta"):
        network = PhorhumNetwork(PUBLISHED)
    weights = sum(p.numel() for p in network.point.parameters() if p.dim() == 2)
    assert point_mflop(PUBLISHED) == pytest.approx(2e-6 * weights, rel=0.01)
    assert encoding_gflop(PUBLISHED) > 100


def report(**changes: Any) -> dict[str, Any]:
    timing = {"median_s": 1.234, "lowest_s": 1.0, "highest_s": 2.0, "runs": 5}
    case = {
        "name": "a", "title": "A", "stages": {"part": timing}, "total": timing,
        "peak_memory_gb": 1.26, "figures": {"of_grid_percent": 3.456, "visited_points": 12345.0},
        "note": "so it was.",
    }  # fmt: skip
    machine = {"processor": "CPU X", "cores": 2, "memory_gb": 8, "accelerator": "none"}
    return {
        "machine": machine, "threads": 2, "load_average_before": 0.1, "quick": False,
        "versions": {"torch": "2.0"}, "cases": [case], **changes,
    }  # fmt: skip


def test_table_says_what_was_measured_and_where() -> None:
    from speed_table import speed_table

    lines = speed_table(report()).splitlines()
    assert lines[2] == (
        "| **A** | 1.23 s | 1.00 – 2.00 s | 1.3 GB | of grid 3.46 %; visited points 12,345 |"
    )
    assert lines[3] == "|   part | 1.23 s | 1.00 – 2.00 s |  |  |"
    assert lines[-1].startswith(
        "Measured on CPU X, 2 threads on 2 cores, PyTorch 2.0, one person at a time. A: so it"
    )
    assert "load average 3.0" in speed_table(report(load_average_before=3.0))
    assert "no figures to quote" in speed_table(report(quick=True))
    gpu = {**report()["machine"], "accelerator": "GPU Y"}
    assert "Measured on GPU Y" in speed_table(report(machine=gpu))


def test_goals_stand_with_the_cases_and_without_a_gpu_its_rows_say_so() -> None:
    from dataclasses import asdict

    from goals import missing_on_gpu
    from speed_table import speed_table

    case = {**report()["cases"][0], "goal": "1 s"}
    table = speed_table(report(cases=[case, *map(asdict, missing_on_gpu())], clock_mhz=2600.0))
    assert "| to reach: 1 s; of grid 3.46 %" in table
    assert table.count("| not yet measured | | | to reach: ") == 3
    assert "25 ms in the median on one H200" in table
    assert "at 2600 MHz" in table


def test_every_case_runs_small(tmp_path: Path) -> None:
    """In processes of their own, as ``make bench`` does it."""
    out = tmp_path / "bench.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "bench.py"), "--quick", "--out", str(out)]
    names = ["matrix", "surface_256", "published_256"]
    has_ros = find_spec("rclpy") is not None
    if default_weights_path().is_file():
        names += ["precision", "lite"]
        names += ["continuous"] if has_ros else []
    if has_ros:
        names.append("publishing")
    command += ["--threads", "1", "--only", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    assert "surface extraction alone" in done.stdout
    assert "fine features" in done.stdout
    assert ("float16 mean" in done.stdout) == ("precision" in names)
    assert ("markers, decimated" in done.stdout) == has_ros
    assert ("frames a second" in done.stdout) == ("continuous" in names)
    assert not out.exists(), "a smoke test leaves no results"


def test_people_are_made_small(packed_assets_file: Path, tmp_path: Path) -> None:
    """In two workers, each stage apart."""
    command = [sys.executable, str(ROOT / "benchmarks" / "bench.py"), "--quick", "--only"]
    names = ["people_components", "people_precision"] if default_weights_path().is_file() else []
    command += [*names, "synthesize"]
    command += ["--assets", str(packed_assets_file), "--out", str(tmp_path / "x")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    for stage in ("people", "render", "volume and occlusion", "points and distances", "write"):
        assert f"|   {stage} |" in done.stdout
    assert "people an hour" in done.stdout
    assert ("lost of those that cleaning keeps" in done.stdout) == bool(names)


def test_phorhum_runs_small_with_weights_that_are_given(phorhum_slab_weights: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "bench.py"), "--quick", "--threads", "1"]
    command += ["--only", "phorhum_lite", "--phorhum-weights", str(phorhum_slab_weights)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    for stage in ("detect", "crop", "features", "surface", "clean", "colour", "place"):
        assert f"|   {stage} |" in done.stdout


def test_people_are_left_out_where_there_are_no_assets(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "bench.py"), "--quick", "--only"]
    command += ["synthesize", "--out", str(tmp_path / "x")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "needs --assets" in done.stderr


def test_results_in_the_repository_can_be_read() -> None:
    from speed_table import speed_table

    files = sorted((ROOT / "benchmarks" / "results").glob("bench*.json"))
    if not files:
        pytest.skip("no speed results in benchmarks/results yet")
    for file in files:
        table = speed_table(json.loads(file.read_text(encoding="utf-8")))
        assert "Measured on" in table
