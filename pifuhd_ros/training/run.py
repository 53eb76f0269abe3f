"""A whole run: its stages in order, each from the averaged weights of the one before."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pifuhd_ros.networks.phorhum import PhorhumConfig, PhorhumNetwork
from pifuhd_ros.networks.weights import (
    Network,
    holds_phorhum,
    load_network,
    load_phorhum,
    save_weights,
)
from pifuhd_ros.training.adoption import adopt_trunk
from pifuhd_ros.training.batches import PeopleSource
from pifuhd_ros.training.config import TrainingConfig
from pifuhd_ros.training.tensorboard import Board
from pifuhd_ros.training.trainer import WEIGHTS, Trainer, new_network
from pifuhd_ros.types import OnProgress, WeightsError

if TYPE_CHECKING:
    from lightning.fabric import Fabric


@dataclass(frozen=True)
class StageSummary:
    """How far a stage has come, in all of its sessions together."""

    name: str
    steps: int
    of_steps: int
    views_seen: int
    minutes: float


@dataclass(frozen=True)
class RunSummary:
    """How far a run has come."""

    is_done: bool
    stages: tuple[StageSummary, ...]
    """Those that have begun."""


def train(
    config: TrainingConfig,
    people: PeopleSource,
    validation: PeopleSource,
    folder: Path,
    fabric: Fabric,
    *,
    init: Path | None = None,
    minutes: float = math.inf,
    board: bool = False,
    on_progress: OnProgress | None = None,
) -> RunSummary:
    """Trains, or goes on where the folder's checkpoints are.

    ``folder/STAGE`` holds each stage's checkpoint and log, ``folder/weights.safetensors`` the
    newest averaged weights of the run.

    Args:
        config: What to do.
        people: To learn from.
        validation: Others, to measure with.
        folder: Of the run; it is made.
        fabric: Launched.
        init: Weights that a new run starts from; None: random ones. PHORHUM can also start from a
            PIFuHD, see adoption.py.
        minutes: From now on; then it saves and stops.
        board: Whether curves and pictures are written for TensorBoard.
        on_progress: Called with the fraction of all steps.

    Raises:
        WeightsError: A checkpoint or ``init`` is damaged or does not fit the config.
    """
    deadline_s = time.monotonic() + 60 * minutes
    network = _first_network(config, init)
    all_steps = sum(stage.steps for stage in config.stages)
    before, summaries, is_done = 0, [], True
    for stage in config.stages:

        def report(
            text: str, fraction: float, begin: int = before, steps: int = stage.steps
        ) -> None:
            if on_progress is not None:
                on_progress(text, (begin + fraction * steps) / all_steps)

        stage_folder = folder / stage.name
        writer = Board(stage_folder / "board") if board and fabric.is_global_zero else None
        trainer = Trainer(fabric, network, config, stage, people, validation, stage_folder, writer)
        try:
            trainer.resume()
            is_done = trainer.is_done or trainer.run(deadline_s, report)
        finally:
            if writer is not None:
                writer.close()
        summaries.append(
            StageSummary(stage.name, trainer.step, stage.steps, trainer.views_seen, trainer.minutes)
        )
        network = trainer.average.cpu()
        before += stage.steps
        if not is_done or time.monotonic() >= deadline_s:
            break
    if fabric.is_global_zero:
        save_weights(folder / WEIGHTS, network)
    fabric.barrier()
    return RunSummary(is_done and len(summaries) == len(config.stages), tuple(summaries))


def _first_network(config: TrainingConfig, init: Path | None) -> Network:
    network: Network
    if init is None:
        network = new_network(config.network, config.seed)
        return network
    if isinstance(config.network, PhorhumConfig):
        if not holds_phorhum(init):
            started: PhorhumNetwork = new_network(config.network, config.seed)
            adopt_trunk(started, load_network(init))
            return started
        network = load_phorhum(init)
    else:
        network = load_network(init)
    if network.config != config.network:
        raise WeightsError(f"{init} holds a network of other sizes than the config asks for")
    return network.train()
