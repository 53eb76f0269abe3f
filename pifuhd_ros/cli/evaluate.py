"""``pifuhd evaluate``: a system beside two baselines, on people that no training has seen."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure how well a system reconstructs held-out people",
        description="Measures a system and two baselines on generated people whose clothes, hair, "
        "skins and poses are not in the training.",
    )
    parser.add_argument(
        "--assets",
        type=Path,
        required=True,
        metavar="PATH",
        help="MakeHuman's folder, or what 'pifuhd pack-assets' made of it",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="JSON", help="report to write")
    parser.add_argument("--count", type=_positive, default=20, help="people (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first person")
    parser.add_argument(
        "--system", choices=("pifuhd",), default="pifuhd", help="default: %(default)s"
    )
    parser.add_argument("--weights", type=Path, help="weights (default: those of the package)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    parser.add_argument("--resolution", type=int, default=256, help="cells along each axis")
    parser.add_argument("--samples", type=_positive, default=100_000, help="points on each surface")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all cores)")
    parser.add_argument(
        "--sheet", type=Path, metavar="PNG", help="also draw the best, median and worst person"
    )
    parser.add_argument(
        "--readme", type=Path, metavar="MD", help="put the table between its quality markers"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, write the report, and print the table.

    Raises:
        PifuhdError: the weights or the assets cannot be used, or the README has no markers.
    """
    from pifuhd_ros.assets.pack import packed_assets
    from pifuhd_ros.body.model import BODY_FILE
    from pifuhd_ros.cli.progress import progress_bar
    from pifuhd_ros.evaluation.evaluate import evaluate_systems
    from pifuhd_ros.evaluation.held_out import held_out_people
    from pifuhd_ros.evaluation.provenance import (
        describe_machine,
        describe_weights,
        library_versions,
    )
    from pifuhd_ros.evaluation.report import (
        EvaluationReport,
        markdown_table,
        put_in_page,
        write_report,
    )
    from pifuhd_ros.evaluation.scores import SOLID_SAMPLES
    from pifuhd_ros.evaluation.sheet import save_sheet
    from pifuhd_ros.evaluation.systems import InflatedSilhouette, MeanBody, PifuhdSystem
    from pifuhd_ros.networks.weights import default_weights_path
    from pifuhd_ros.reconstructors.pifuhd import PifuhdReconstructor

    if args.readme:  # Fail before the work, not after it.
        put_in_page(args.readme, "quality", None)
    model = PifuhdReconstructor.from_pretrained(
        args.weights, args.device, resolution=args.resolution, threads=args.threads
    )
    system = PifuhdSystem(model)
    try:
        with packed_assets(args.assets, BODY_FILE) as assets, progress_bar() as on_progress:
            people = held_out_people(
                assets, args.count, system.crop_size_px, args.samples, args.seed
            )
            scores, cases = evaluate_systems(
                [system, MeanBody(), InflatedSilhouette()],
                people,
                args.count,
                surface_samples=args.samples,
                keep_cases_of=system.name if args.sheet else None,
                on_progress=on_progress,
            )
    finally:
        model.close()
    report = EvaluationReport(
        split="held-out",
        count=args.count,
        seed=args.seed,
        surface_samples=args.samples,
        solid_samples=SOLID_SAMPLES,
        resolution=args.resolution,
        weights=describe_weights(args.weights or default_weights_path()),
        systems=tuple(scores),
        versions=library_versions(),
        machine=describe_machine(model.device),
    )
    write_report(report, args.out)
    table = markdown_table(report)
    print(table)
    print(args.out)
    if args.sheet:
        save_sheet(cases, args.sheet)
        print(args.sheet)
    if args.readme:
        put_in_page(args.readme, "quality", table)
        print(args.readme)
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number
