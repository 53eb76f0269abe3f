"""The generator's speed: people with all supervision, in workers as ``pifuhd synthesize`` has."""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch
from measure import Case, peak_memory_gb, summarize_stages

from pifuhd_ros.body.model import load_body
from pifuhd_ros.reconstructors.stage_watch import StageWatch
from pifuhd_ros.synthetic.dataset import shard_path, write_shard
from pifuhd_ros.synthetic.samples import SamplingConfig
from pifuhd_ros.synthetic.synthesis import SynthesisConfig, person_maker, synthesize
from pifuhd_ros.synthetic.wardrobe import load_wardrobe


@dataclass(frozen=True)
class Work:
    """What one worker does."""

    assets: Path
    device: str
    runs: int
    """Batches that are timed."""
    batch: int
    """People a batch."""
    size_px: int
    points: int
    first_seed: int


@dataclass(frozen=True)
class Done:
    """What it took."""

    stages_s: list[dict[str, float]]
    """Of each batch."""
    peak_memory_gb: float


def run_worker(work: Work) -> Done:
    """Loads, makes one batch to warm up, then those that count."""
    device = torch.device(work.device)
    if device.type == "cpu":
        torch.set_num_threads(1)
    make = person_maker(load_wardrobe(work.assets, device), load_body(device=device))
    config = SynthesisConfig(work.size_px, 1, SamplingConfig(points=work.points))
    watch = StageWatch(device)
    stages = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(work.runs + 1):
            first = work.first_seed + run * work.batch
            seeds = range(first, first + work.batch)
            made = synthesize(make, seeds, config, lambda stage: watch(stage, 0.0))
            watch("write", 0.0)
            write_shard(shard_path(Path(folder), run), made, {"first_seed": str(seeds[0])})
            stages.append(watch.take_timings_s())
    return Done(stages[1:], peak_memory_gb())


def measure_synthesis(assets: Path, device: torch.device, runs: int, quick: bool) -> Case:
    """People an hour: two workers of one thread each, or one with a GPU."""
    workers, batch = (1, 16) if device.type == "cuda" else (2, 4)
    runs, batch, size_px, points = (1, 1, 64, 256) if quick else (max(runs, 5), batch, 512, 16384)
    tasks = [
        Work(assets, str(device), runs, batch, size_px, points, worker * (runs + 1) * batch)
        for worker in range(workers)
    ]
    if workers == 1:
        done = [run_worker(tasks[0])]
    else:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            done = list(pool.map(run_worker, tasks))
    batches = [stages for one in done for stages in one.stages_s]
    stages, total = summarize_stages(
        [{name: s / batch for name, s in stages.items()} for stages in batches]
    )
    return Case(
        "synthesize",
        f"a person with all supervision, one view of {size_px}²",
        stages,
        total,
        sum(one.peak_memory_gb for one in done),
        {
            "people_an_hour": float(round(3600 * workers / total.median_s)),
            "people_an_hour_in_the_slowest_batch": float(round(3600 * workers / total.highest_s)),
            "people_a_batch": float(batch),
            "workers": float(workers),
        },
        note=f"{'each worker has one thread; ' if workers > 1 else ''}times are those of one "
        "worker, per person.",
    )
