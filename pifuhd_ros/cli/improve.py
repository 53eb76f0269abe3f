"""``pifuhd improve``: goes on training, measures, and keeps the weights if they are better."""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pifuhd_ros.cli.train import add_arguments, read_config, train_as_told

if TYPE_CHECKING:
    from pifuhd_ros.cli.training_log import Session
    from pifuhd_ros.evaluation.evaluate import SystemScores
    from pifuhd_ros.evaluation.measurement import SystemName
    from pifuhd_ros.training.run import RunSummary


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "improve",
        help="go on training, measure, and keep the weights if they are better",
        description="Trains like 'pifuhd train', measures the weights in use and the new ones on "
        "the same held-out people, replaces those in use if the new ones are better, and writes "
        "what came of it to the training log.",
    )
    add_arguments(parser)
    parser.add_argument(
        "--assets", type=Path, required=True, metavar="PATH", help="as for 'pifuhd evaluate'"
    )
    parser.add_argument("--count", type=int, default=20, help="held-out people (default: 20)")
    parser.add_argument("--people-seed", type=int, default=0, help="of the first held-out person")
    parser.add_argument("--resolution", type=int, default=256, help="cells along each axis")
    parser.add_argument("--samples", type=int, default=100_000, help="points on each surface")
    parser.add_argument(
        "--weights", type=Path, help="in use, replaced if worse (default: those of the package)"
    )
    parser.add_argument(
        "--log",
        type=Path,
        default=Path("docs/training-log.md"),
        help="gets the record (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, measure both, keep the better, write the record.

    Raises:
        PifuhdError: the config, the data, the assets, the weights or the log cannot be used.
    """
    from pifuhd_ros.cli.training_log import add_to_log, check_log, record, why_not_better
    from pifuhd_ros.networks.phorhum import PhorhumConfig
    from pifuhd_ros.networks.weights import default_weights_path, load_network, load_phorhum

    check_log(args.log)  # Fail before the work, not after it.
    is_phorhum = isinstance(read_config(args).network, PhorhumConfig)
    in_use = args.weights or default_weights_path("phorhum-lite" if is_phorhum else "pifuhd-lite")
    (load_phorhum if is_phorhum else load_network)(in_use)
    summary = train_as_told(args)
    if summary is None:
        return 0
    made = args.out / "weights.safetensors"
    system: SystemName = "phorhum" if is_phorhum else "pifuhd"
    before, after = measure(args, [in_use, made], system)
    session = _session(args, summary, in_use, made)
    entry = record(session, before, after)
    reason = why_not_better(before, after)
    if reason is None:
        partial = in_use.with_name(in_use.name + ".partial")
        shutil.copyfile(made, partial)
        partial.replace(in_use)
    add_to_log(args.log, entry)
    print(entry)
    print(in_use if reason is None else f"{in_use} stays: {reason}")
    return 0


def measure(
    args: argparse.Namespace, weights: list[Path], system: SystemName
) -> list[SystemScores]:
    """The scores of weights files of one system, on the same held-out people."""
    from pifuhd_ros.assets.pack import packed_assets
    from pifuhd_ros.body.model import BODY_FILE
    from pifuhd_ros.cli.progress import progress_bar
    from pifuhd_ros.evaluation.evaluate import gather_scores
    from pifuhd_ros.evaluation.measurement import Measurement, MeasurementConfig, measure_people

    scores: list[SystemScores] = []
    with packed_assets(args.assets, BODY_FILE) as assets:
        for path in weights:
            config = MeasurementConfig(
                assets=assets,
                seed=args.people_seed,
                surface_samples=args.samples,
                system=system,
                weights=path,
                device=args.accelerator,
                resolution=args.resolution,
                threads=args.threads or 1,
                with_baselines=False,
            )
            measurement = Measurement(config)
            on_cpu = measurement.model.device.type == "cpu"
            workers = min(len(os.sched_getaffinity(0)), args.count) if on_cpu else 1
            try:
                with progress_bar() as on_progress:
                    outcomes = measure_people(measurement, args.count, workers, on_progress)
            finally:
                measurement.close()
            scores += gather_scores([measurement.systems[0].name], outcomes)
    return scores


def _session(args: argparse.Namespace, summary: RunSummary, in_use: Path, made: Path) -> Session:
    import torch

    from pifuhd_ros.cli.training_log import Session
    from pifuhd_ros.evaluation.provenance import describe_machine, describe_weights

    use_gpu = args.accelerator != "cpu" and torch.cuda.is_available()
    machine = describe_machine(torch.device("cuda" if use_gpu else "cpu"))
    return Session(
        date=datetime.date.today().isoformat(),
        name=in_use.stem,
        config=" ".join([Path(args.config).name, *args.set]),
        machine=f"{machine.processor}, {machine.cores} cores, GPU: {machine.accelerator}",
        seed=read_config(args).seed,
        stages=[(s.name, s.steps, s.of_steps, s.views_seen, s.minutes) for s in summary.stages],
        people=f"{args.count} held-out people (seed {args.people_seed}, {args.resolution}³ grid)",
        sha256=(describe_weights(in_use).sha256, describe_weights(made).sha256),
    )
