"""Datasets from the command line: the documented example, resuming, refusing, stopping."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from pathlib import Path

import pytest
import torch
from scan_shapes import BLUE, RED, egg

from pifuhd_ros.cli.dataset_writer import MadePeople, Scans, write_dataset
from pifuhd_ros.cli.main import main
from pifuhd_ros.synthetic.dataset import Shard, shard_path
from pifuhd_ros.synthetic.samples import SamplingConfig
from pifuhd_ros.synthetic.synthesis import SynthesisConfig
from pifuhd_ros.types import AssetError, PifuhdError

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "dataset.md").read_text(encoding="utf-8")
SMALL = SynthesisConfig(64, 1, SamplingConfig(points=500))


@pytest.fixture
def scans(tmp_path: Path) -> Scans:
    folder = tmp_path / "scans"
    folder.mkdir()
    files = (folder / "a.glb", folder / "b.glb")
    for path in files:
        egg().export(path)
    return Scans(folder, files, "auto", "y")


def shards(folder: Path) -> list[str]:
    assert not list(folder.glob("*.partial"))
    return sorted(path.name for path in folder.glob("shard-*"))


def test_the_documented_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(python|sh)\n(.*?)```", PAGE.split("## Your own scans")[1], re.S)
    assert [kind for kind, _ in blocks] == ["python", "sh", "python"]
    exec(blocks[0][1], {})
    assert main([*shlex.split(blocks[1][1])[1:], "--workers", "1"]) == 0
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(blocks[2][1], {})
    assert "(3, 128, 128)" in printed.getvalue()
    shard = Shard(Path("eggs/shard-00000.safetensors"))
    assert (shard.people, shard.views, shard.size_px) == (2, 2, 128)
    for person in range(2):
        for number in range(2):
            view = shard.read(person, number, with_body=True)
            mask = view.mask > 0
            colours = view.albedo[:, mask].T
            wanted = torch.tensor([RED, BLUE]) / 255
            assert torch.cdist(colours, wanted).amin(1).median() < 0.01
            # Into the egg's own axes: what the maps say must be true of the egg.
            rows, columns = torch.nonzero(mask, as_tuple=True)
            model = torch.stack([columns / 63.5 - 1, 1 - rows / 63.5, view.z_front[mask]], 1)
            half = torch.tensor([0.3, 0.85, 0.25])
            middle = torch.tensor([0.0, (0.5 - 0.53) * 1.7, 0.0])
            on = (view.placement.to_person(model) - middle) / half
            assert (on.norm(dim=1) - 1).abs().median() < 0.01
            normals = torch.nn.functional.normalize(on / half, dim=1)
            seen = view.normal_front[:, mask].T @ view.placement.rotation
            assert (seen * normals).sum(1).median() > 0.995
            points = (view.placement.to_person(view.points) - middle) / half
            radius = points.norm(dim=1)
            sure = (radius - 1).abs() > 0.02
            assert ((radius < 1) == view.inside)[sure].float().mean() > 0.995
            assert view.joints.isnan().all()


def test_a_run_goes_on_where_another_stopped(scans: Scans, tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen: list[int] = []

    def stop(people: int) -> None:
        seen.append(people)
        if people == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(out, scans, 5, SMALL, shard_size=2, workers=1, on_people=stop)
    assert seen == [0, 2]
    assert shards(out) == ["shard-00000.safetensors"]
    first = shard_path(out, 0).read_bytes()
    seen.clear()
    write_dataset(out, scans, 5, SMALL, shard_size=2, workers=1, on_people=seen.append)
    assert seen == [2, 4, 5]
    assert [Shard(shard_path(out, i)).people for i in range(3)] == [2, 2, 1]
    assert shard_path(out, 0).read_bytes() == first
    seen.clear()
    # More people: the last shard, which was not full, is made anew.
    write_dataset(out, scans, 6, SMALL, shard_size=2, workers=1, on_people=seen.append)
    assert seen == [4, 6]
    assert Shard(shard_path(out, 2)).people == 2


def test_workers_make_the_same(scans: Scans, tmp_path: Path) -> None:
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        write_dataset(folder, scans, 2, SMALL, shard_size=1, workers=workers)
    for i in range(2):
        alone, together = (shard_path(tmp_path / str(n), i) for n in (1, 2))
        one, same = Shard(alone).read(0, 0), Shard(together).read(0, 0)
        assert torch.equal(one.mask, same.mask)
        assert torch.equal(one.albedo, same.albedo)
        assert torch.equal(one.points, same.points)


def test_errors_of_workers_are_told(scans: Scans, tmp_path: Path) -> None:
    scans.files[1].write_bytes(b"glTF")
    with pytest.raises(AssetError, match=r"b\.glb"):
        write_dataset(tmp_path / "out", scans, 2, SMALL, shard_size=1, workers=2)
    assert set(shards(tmp_path / "out")) <= {"shard-00000.safetensors"}


def test_other_settings_are_refused(scans: Scans, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_dataset(out, scans, 1, SMALL, workers=1)
    with pytest.raises(PifuhdError, match="first_seed 0, not 7"):
        write_dataset(out, scans, 1, SMALL, first_seed=7, workers=1)
    (out / "dataset.json").unlink()
    with pytest.raises(PifuhdError, match=r"no dataset\.json"):
        write_dataset(out, scans, 1, SMALL, workers=1)


def test_a_damaged_shard_is_told(scans: Scans, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_dataset(out, scans, 1, SMALL, workers=1)
    shard_path(out, 0).write_bytes(b"half")
    with pytest.raises(PifuhdError, match="delete it"):
        write_dataset(out, scans, 1, SMALL, workers=1)


def test_the_command_tells_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert main(["synthesize", "--data", str(tmp_path), *out]) == 1
    assert "holds no scan" in capsys.readouterr().err
    assert main(["synthesize", "--assets", str(tmp_path / "none"), *out]) == 1
    assert "pack-assets" in capsys.readouterr().err
    for wrong in (["--size", "100"], ["--count", "0"], []):
        with pytest.raises(SystemExit, match="2"):
            main(["synthesize", *out, *wrong])
        capsys.readouterr()


def test_generated_people(packed_assets_file: Path, tmp_path: Path) -> None:
    arguments = ["--assets", str(packed_assets_file), "--out", str(tmp_path), "--count", "1"]
    small = ["--size", "64", "--points", "500", "--views", "1", "--workers", "1"]
    assert main(["synthesize", *arguments, *small, "--split", "held_out"]) == 0
    shard = Shard(shard_path(tmp_path, 0))
    assert 0.1 < shard.read(0, 0).inside.float().mean() < 0.9
    settings = json.loads((tmp_path / "dataset.json").read_text(encoding="utf-8"))
    assert settings["split"] == "held_out"
    assert (
        settings["assets_sha256"]
        == MadePeople(packed_assets_file, "held_out").settings()["assets_sha256"]
    )
