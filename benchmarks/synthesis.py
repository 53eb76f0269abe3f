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
from pifuhd_ros.synthetic.occlusion import ambient_occlusion
from pifuhd_ros.synthetic.render import render_views
from pifuhd_ros.synthetic.samples import SamplingConfig, sample_points
from pifuhd_ros.synthetic.synthesis import MakePeople, Supervision, person_maker, sample_placements
from pifuhd_ros.synthetic.volume import occupancy_volumes
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


def make_batch(make: MakePeople, seeds: range, work: Work, watch: StageWatch, path: Path) -> None:
    """The steps of ``synthesize``, one view each, and the file: each step on the watch."""
    watch("people", 0.0)
    people = make(seeds)
    watch("placements", 0.0)
    who = range(len(people))
    placements = [sample_placements(people, i, 1, seeds[i])[0] for i in who]
    watch("render", 0.0)
    views = render_views(people, who, placements, work.size_px)
    watch("volume and occlusion", 0.0)
    volumes = occupancy_volumes(people, views)
    mask = views.mask[:, None].float()
    occlusion = ambient_occlusion(volumes, views.z_front, views.normal_front, mask)
    watch("points and distances", 0.0)
    samples = sample_points(people, seeds, SamplingConfig(points=work.points))
    watch("write", 0.0)
    made = Supervision(views, occlusion, samples, people.stature_m)
    write_shard(path, made, {"first_seed": str(seeds[0])})


def run_worker(work: Work) -> Done:
    """Loads, makes one batch to warm up, then those that count."""
    device = torch.device(work.device)
    if device.type == "cpu":
        torch.set_num_threads(1)
    make = person_maker(load_wardrobe(work.assets, device), load_body(device=device))
    watch = StageWatch(device)
    stages = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(work.runs + 1):
            first = work.first_seed + run * work.batch
            seeds = range(first, first + work.batch)
            make_batch(make, seeds, work, watch, shard_path(Path(folder), run))
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
