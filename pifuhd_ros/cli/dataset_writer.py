"""Fills a folder with shards, several at a time; what is already there stays."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from pifuhd_ros.assets.scans import Unit, Up, read_scan
from pifuhd_ros.body.model import load_body
from pifuhd_ros.synthetic.dataset import shard_path, write_shard
from pifuhd_ros.synthetic.people import People
from pifuhd_ros.synthetic.scan import scan_people
from pifuhd_ros.synthetic.split import Split
from pifuhd_ros.synthetic.synthesis import MakePeople, SynthesisConfig, person_maker, synthesize
from pifuhd_ros.synthetic.wardrobe import load_wardrobe
from pifuhd_ros.types import AssetError, PifuhdError

SETTINGS_FILE = "dataset.json"
FORMAT = 1
"""Of the shards, see synthetic/dataset.py."""


@dataclass(frozen=True)
class MadePeople:
    """People made from packed assets."""

    assets: Path
    """What ``pifuhd pack-assets`` made."""
    split: Split

    def settings(self) -> dict[str, Any]:
        """What tells these people from others."""
        if not self.assets.is_file():
            raise AssetError(
                f"there is no {self.assets}: name MakeHuman's folder, or what 'pifuhd pack-assets' "
                "made of it"
            )
        return {"assets_sha256": hashlib.sha256(self.assets.read_bytes()).hexdigest()}

    def maker(self, device: str) -> MakePeople:
        """Loads what is needed."""
        wardrobe = load_wardrobe(self.assets, device)
        return person_maker(wardrobe, load_body(device=device), self.split)


@dataclass(frozen=True)
class Scans:
    """A user's own scans: seed s shows scan s modulo their number."""

    folder: Path
    files: tuple[Path, ...]
    unit: Unit
    up: Up
    split: Split = "train"

    def settings(self) -> dict[str, Any]:
        """What tells these people from others."""
        names = [file.relative_to(self.folder).as_posix() for file in self.files]
        return {"scans": names, "unit": self.unit, "up": self.up}

    def maker(self, device: str) -> MakePeople:
        """Reads each scan when it is asked for."""
        joint_count = len(load_body().joint_names)

        def make(seeds: Sequence[int]) -> People:
            wanted = {seed % len(self.files) for seed in seeds}
            scans = {i: read_scan(self.files[i], self.unit, self.up) for i in sorted(wanted)}
            chosen = [scans[seed % len(self.files)] for seed in seeds]
            return scan_people(chosen, joint_count, device)

        return make


Source = MadePeople | Scans


@dataclass(frozen=True)
class _Shard:
    index: int
    first_seed: int
    people: int


class _Worker:
    """Makes shards one after another with what it loaded once."""

    def __init__(self, source: Source, folder: Path, config: SynthesisConfig, device: str) -> None:
        self._make = source.maker(device)
        self._split = source.split
        self._folder = folder
        self._config = config

    def write(self, shard: _Shard) -> int:
        """Returns how many people were written."""
        seeds = range(shard.first_seed, shard.first_seed + shard.people)
        made = synthesize(self._make, seeds, self._config)
        metadata = {"split": self._split, "first_seed": str(shard.first_seed)}
        write_shard(shard_path(self._folder, shard.index), made, metadata)
        return shard.people


_new_worker: Callable[[], _Worker] | None = None
_worker: _Worker | None = None
"""Of this process, where it is one of a pool."""


def _start(new_worker: Callable[[], _Worker]) -> None:
    global _new_worker
    # Ctrl-C reaches all processes of a terminal: the first one decides, the others finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    _new_worker = new_worker


def _write(shard: _Shard) -> int:
    # Loaded here and not in _start, so that what goes wrong is told.
    global _worker
    if _worker is None:
        assert _new_worker is not None
        _worker = _new_worker()
    return _worker.write(shard)


def _written(
    new_worker: Callable[[], _Worker], shards: Sequence[_Shard], workers: int
) -> Iterator[int]:
    """Makes all shards; yields the people of each as soon as it is there."""
    if workers == 1:
        yield from map(new_worker().write, shards)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (new_worker,)) as pool:
        # One shard a worker at a time: what waits in the pool could not be called back.
        waiting = iter(shards)
        running = {pool.submit(_write, shard) for shard in islice(waiting, workers)}
        try:
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(_write, shard) for shard in islice(waiting, len(finished))}
                yield from (future.result() for future in finished)
        except BrokenProcessPool as error:
            raise PifuhdError(
                "a worker was killed, most likely for lack of memory: use fewer --workers or a "
                "smaller --shard-size; the shards made so far stay"
            ) from error


def _check_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Writes the settings, or compares them with those of the folder."""
    path = folder / SETTINGS_FILE
    if not path.is_file():
        if any(folder.glob("shard-*.safetensors")):
            raise PifuhdError(
                f"{folder} holds shards but no {SETTINGS_FILE}: choose another folder"
            )
        partial_path = path.with_suffix(".partial")
        partial_path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        os.replace(partial_path, path)
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PifuhdError(f"{path} is damaged ({error}): choose another folder") from error
    names = sorted(there.keys() | settings.keys())
    other = [name for name in names if there.get(name) != settings.get(name)]
    if other:
        what = ", ".join(
            f"{n} {_short(there.get(n))}, not {_short(settings.get(n))}" for n in other
        )
        raise PifuhdError(f"{folder} was made with {what}: use the same settings or another folder")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:36] + " …"


def _people_in(path: Path) -> int:
    """How many people a shard holds; none where there is no whole shard."""
    if not path.is_file():
        return 0
    try:
        with safe_open(str(path), "pt") as file:
            return int((file.metadata() or {}).get("people", 0))
    except SafetensorError as error:
        raise PifuhdError(f"{path} is damaged ({error}): delete it and start again") from error


def write_dataset(
    folder: Path,
    source: Source,
    count: int,
    config: SynthesisConfig,
    first_seed: int = 0,
    shard_size: int = 4,
    device: str = "cpu",
    workers: int | None = None,
    on_people: Callable[[int], None] | None = None,
) -> None:
    """Makes the shards of a dataset that are not there yet.

    Args:
        folder: Of the shards; made where it is not there. Its dataset.json keeps the settings.
        source: Where the people come from.
        count: How many people; the last shard holds what is left. More may be asked for later.
        config: What is made of each.
        first_seed: Person i has the seed ``first_seed`` + i.
        shard_size: People a shard; they are made as one batch.
        device: "cpu", "cuda" …
        workers: Processes; None for one a CPU core, or a single one on a GPU.
        on_people: Called with how many people are there, first with those of earlier runs.

    Raises:
        PifuhdError: The folder holds a dataset with other settings, or a worker failed. Whole
            shards stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "format": FORMAT,
        **source.settings(),
        "split": source.split,
        "first_seed": first_seed,
        "shard_size": shard_size,
        **asdict(config),
    }
    _check_settings(folder, json.loads(json.dumps(settings)))
    shards = [
        _Shard(i, first_seed + start, min(shard_size, count - start))
        for i, start in enumerate(range(0, count, shard_size))
    ]
    missing = [s for s in shards if _people_in(shard_path(folder, s.index)) < s.people]
    report = on_people or (lambda people: None)
    done = count - sum(shard.people for shard in missing)
    report(done)
    if not missing:
        return
    cores = len(os.sched_getaffinity(0)) if torch.device(device).type == "cpu" else 1
    new_worker = partial(_Worker, source, folder, config, device)
    for people in _written(new_worker, missing, min(workers or cores, len(missing))):
        done += people
        report(done)
