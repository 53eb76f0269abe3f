"""``pifuhd evaluate``: a system beside baselines, on people that no training has seen."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure how well a system reconstructs held-out people",
        description="Measures a system and two baselines on generated people whose clothes, hair, "
        "skins and poses are not in the training; of a system that knows an albedo also this, "
        "beside two baselines of its own, and what other lights make of it.",
    )
    parser.add_argument(
        "--assets",
        type=Path,
        required=True,
        metavar="PATH",
        help="MakeHuman's folder, or what 'pifuhd pack-assets' made of it",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="JSON", help="report to write")
    parser.add_argument(
        "--count", type=_positive, default=100, help="people (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first person")
    parser.add_argument(
        "--system",
        choices=("pifuhd", "phorhum"),
        default="pifuhd",
        help="default: %(default)s",
    )
    parser.add_argument("--weights", type=Path, help="weights (default: those of the package)")
    parser.add_argument(
        "--no-baselines", action="store_true", help="measure the shapes of the system alone"
    )
    parser.add_argument(
        "--light-people",
        type=_not_negative,
        default=10,
        metavar="N",
        help="of a system that knows an albedo, also reconstruct so many people in eight lights "
        "each (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    parser.add_argument("--resolution", type=int, default=256, help="cells along each axis")
    parser.add_argument(
        "--photo-size", type=_positive, default=768, help="side in pixels (default: %(default)s)"
    )
    parser.add_argument("--samples", type=_positive, default=100_000, help="points on each surface")
    parser.add_argument(
        "--input",
        choices=("detected", "true"),
        default="detected",
        help="whose box and mask all systems get (default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=_positive, help="processes (default: one a core, with a GPU one)"
    )
    parser.add_argument(
        "--threads", type=_positive, default=1, help="CPU threads of each (default: %(default)s)"
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="PNG", help="also draw the best, median and worst person"
    )
    parser.add_argument(
        "--readme", type=Path, metavar="MD", help="put the table between its quality markers"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, write the report, and print the tables.

    Raises:
        PifuhdError: the weights or the assets cannot be used, or the README has no markers.
    """
    from pifuhd_ros.assets.pack import packed_assets
    from pifuhd_ros.body.model import BODY_FILE
    from pifuhd_ros.cli.progress import progress_bar
    from pifuhd_ros.evaluation.measurement import (
        Measurement,
        MeasurementConfig,
        measure_people,
        measure_people_in_lights,
    )
    from pifuhd_ros.evaluation.report import report_of, write_report
    from pifuhd_ros.evaluation.sheet import save_cases
    from pifuhd_ros.evaluation.tables import markdown_table, put_in_page

    if args.readme:  # Fail before the work, not after it.
        put_in_page(args.readme, "quality", None)
    with packed_assets(args.assets, BODY_FILE) as assets:
        config = MeasurementConfig(
            assets=assets,
            seed=args.seed,
            input=args.input,
            photo_px=args.photo_size,
            surface_samples=args.samples,
            system=args.system,
            weights=args.weights,
            device=args.device,
            resolution=args.resolution,
            threads=args.threads,
            with_baselines=not args.no_baselines,
        )
        measurement = Measurement(config)
        on_cpu = measurement.model.device.type == "cpu"
        cores = len(os.sched_getaffinity(0)) if on_cpu else 1
        workers = min(args.workers or cores, args.count)
        lit = args.light_people if measurement.knows_albedo else 0
        try:
            with progress_bar() as on_progress:
                outcomes = measure_people(measurement, args.count, workers, on_progress)
            with progress_bar() as on_progress:
                in_lights = measure_people_in_lights(measurement, lit, workers, on_progress)
            report = report_of(measurement, outcomes, workers, in_lights)
            write_report(report, args.out)
            table = markdown_table(report)
            print(table)
            print(args.out)
            if args.readme:
                put_in_page(args.readme, "quality", table)
                print(args.readme)
            if args.sheet:
                save_cases(measurement, outcomes, args.sheet)
                print(args.sheet)
        finally:
            measurement.close()
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number
