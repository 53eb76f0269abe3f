"""``pifuhd train``: trains the networks on people that the project makes itself."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pifuhd_ros.types import ConfigError, OnProgress

if TYPE_CHECKING:
    import torch

    from pifuhd_ros.training.batches import PeopleSource
    from pifuhd_ros.training.config import TrainingConfig
    from pifuhd_ros.training.run import RunSummary


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "train",
        help="train the networks",
        description="Trains every network that the config names, one stage after the other. "
        "Started again, it goes on from the checkpoints in its folder.",
    )
    add_arguments(parser)
    parser.add_argument(
        "--assets",
        type=Path,
        metavar="PATH",
        help="without --data: people are made anew for every step from MakeHuman's folder, or from "
        "what 'pifuhd pack-assets' made of it",
    )
    parser.set_defaults(run=run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every command that trains takes."""
    parser.add_argument(
        "--config",
        required=True,
        help="lite_cpu, lite_gpu, published, a module, or a Python file that sets CONFIG",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting: FIELD=VALUE, STAGE.FIELD=VALUE or '*.FIELD=VALUE'; repeatable",
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="folders of people of pifuhd synthesize; a stage takes those with large enough views",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of checkpoints, logs and weights"
    )
    parser.add_argument("--init", type=Path, help="weights that a new run starts from")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop after so long, with a checkpoint"
    )
    parser.add_argument("--accelerator", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--devices", type=int, default=1, help="on each node (default: 1)")
    parser.add_argument("--nodes", type=int, default=1, help="machines (default: 1)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all cores)")
    parser.add_argument(
        "--no-board", action="store_true", help="no curves and pictures for TensorBoard"
    )


def run(args: argparse.Namespace) -> int:
    """Train until the last step or the last minute."""
    summary = train_as_told(args)
    if summary is not None:
        for stage in summary.stages:
            print(
                f"{stage.name}: {stage.steps} of {stage.of_steps} steps, "
                f"{stage.views_seen} views, {stage.minutes:.1f} minutes"
            )
        print(args.out / "weights.safetensors")
        if not summary.is_done:
            print("not done yet: the same command goes on")
    return 0


def read_config(args: argparse.Namespace) -> TrainingConfig:
    """The config with the changes of the command line.

    Raises:
        ConfigError: there is no such config, or it asks for what cannot be.
    """
    from pifuhd_ros.training.config_file import load_config, override

    return override(load_config(args.config), args.set)


def train_as_told(args: argparse.Namespace) -> RunSummary | None:
    """Train as the arguments of ``add_arguments`` say.

    Returns:
        How far the run has come; None in all processes but the first.
    """
    import torch

    from pifuhd_ros.training.devices import make_fabric
    from pifuhd_ros.training.run import train

    config = read_config(args)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("high")
    fabric = make_fabric(args.accelerator, args.devices, args.nodes, config.precision)
    fabric.launch()
    hide = None if fabric.is_global_zero else True
    with _sources(args, config, fabric.device) as sources, _step_bar(hide) as on_progress:
        people, validation = sources
        summary = train(
            config,
            people,
            validation,
            args.out,
            fabric,
            init=args.init,
            minutes=args.minutes,
            board=not args.no_board,
            on_progress=on_progress,
        )
    return summary if fabric.is_global_zero else None


@contextmanager
def _sources(
    args: argparse.Namespace, config: TrainingConfig, device: torch.device
) -> Iterator[tuple[PeopleSource, PeopleSource]]:
    """People to learn from, and others to measure with."""
    from pifuhd_ros.assets.pack import packed_assets
    from pifuhd_ros.body.model import BODY_FILE
    from pifuhd_ros.training.batches import People
    from pifuhd_ros.training.generated import GeneratedPeople

    if args.data is not None:
        yield People(args.data), People(args.data, validation=True)
        return
    if args.assets is None:
        raise ConfigError(
            "there is nobody to learn from: give a folder of people (--data) or assets (--assets)"
        )
    # Processes beside this one make people on the CPU, as they cannot share its GPU's memory.
    where = "cpu" if config.workers else str(device)
    with packed_assets(args.assets, BODY_FILE) as assets:
        yield GeneratedPeople(assets, where), GeneratedPeople(assets, where, validation=True)


@contextmanager
def _step_bar(disable: bool | None) -> Iterator[OnProgress]:
    """A bar that says how long the rest takes."""
    from tqdm import tqdm

    with tqdm(
        total=1.0,
        disable=disable,
        bar_format="{desc} {percentage:5.1f}% |{bar}| {elapsed}<{remaining}",
    ) as bar:

        def report(stage: str, fraction: float) -> None:
            bar.set_description_str(stage, refresh=False)
            if bar.n == 0:  # What earlier runs did says nothing about the rest.
                bar.initial = fraction
            bar.update(fraction - bar.n)

        yield report
