"""``pifuhd synthesize``: makes a dataset of generated people, or of a user's own scans."""

from __future__ import annotations

import argparse
from pathlib import Path

_UNITS = ("auto", "m", "cm", "mm")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "synthesize",
        help="make a dataset of people",
        description="Draws and samples people into shards that 'pifuhd train' reads. Goes on by "
        "itself where an earlier run stopped.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--assets",
        type=Path,
        metavar="PATH",
        help="generate people from MakeHuman's folder, or from what pack-assets made of it",
    )
    source.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="take scans instead: .obj, .ply and .glb files, one person each",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="of the shards")
    parser.add_argument(
        "--count",
        type=_positive,
        help="people (default: 1600; of scans each once, more show them from other sides)",
    )
    parser.add_argument("--views", type=_positive, default=3, help="of each (default: %(default)s)")
    parser.add_argument(
        "--size", type=_size, default=512, help="side of the views [px] (default: %(default)s)"
    )
    parser.add_argument(
        "--points", type=_positive, default=16384, help="of each (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first person")
    parser.add_argument(
        "--split",
        choices=("train", "held_out"),
        default="train",
        help="garments, hair, poses … to use (default: %(default)s)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1")
    parser.add_argument(
        "--workers", type=_positive, help="processes (default: CPU cores; 1 on a GPU)"
    )
    parser.add_argument(
        "--shard-size", type=_positive, default=4, help="people a file (default: %(default)s)"
    )
    parser.add_argument(
        "--unit", choices=_UNITS, default="auto", help="of scans (default: by their height)"
    )
    parser.add_argument(
        "--up", choices=("y", "z"), default="y", help="of scans (default: %(default)s)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Makes the shards that are not there yet.

    Raises:
        PifuhdError: The assets or scans cannot be used, or the folder holds another dataset.
    """
    from contextlib import ExitStack

    from tqdm import tqdm

    from pifuhd_ros.assets.pack import packed_assets
    from pifuhd_ros.assets.scans import find_scans
    from pifuhd_ros.body.model import BODY_FILE
    from pifuhd_ros.cli.dataset_writer import MadePeople, Scans, write_dataset
    from pifuhd_ros.synthetic.samples import SamplingConfig
    from pifuhd_ros.synthetic.synthesis import SynthesisConfig

    config = SynthesisConfig(args.size, args.views, SamplingConfig(points=args.points))
    with ExitStack() as stack:
        source: MadePeople | Scans
        if args.assets is not None:
            packed = stack.enter_context(packed_assets(args.assets, BODY_FILE))
            source, usual = MadePeople(packed, args.split), 1600
        else:
            files = tuple(find_scans(args.data))
            source, usual = Scans(args.data, files, args.unit, args.up), len(files)
        count = args.count or usual
        bars: list[tqdm[None]] = []

        def show(done: int) -> None:
            # People of an earlier run, who come first, are no part of the speed.
            if not bars:
                bars.append(stack.enter_context(tqdm(total=count, initial=done, unit="person")))
            bars[0].update(done - bars[0].n)

        write_dataset(
            args.out,
            source,
            count,
            config,
            first_seed=args.seed,
            shard_size=args.shard_size,
            device=args.device,
            workers=args.workers,
            on_people=show,
        )
    print(f"{count} people in {args.out}")
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def _size(text: str) -> int:
    number = _positive(text)
    if number % 8:
        raise argparse.ArgumentTypeError(f"{number} is no multiple of 8")
    return number
