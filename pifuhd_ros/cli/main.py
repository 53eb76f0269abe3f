"""``pifuhd``: the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pifuhd_ros import __version__
from pifuhd_ros.cli import (
    assets,
    evaluate,
    improve,
    photo_sheet,
    reconstruct,
    relight,
    synthesize,
    train,
)
from pifuhd_ros.types import PifuhdError

COMMANDS = (reconstruct, relight, photo_sheet, train, improve, synthesize, evaluate, assets)
"""Each adds its own subcommands, whose ``run`` takes the arguments and returns an exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments; None for those of the process.

    Returns:
        0 for success, 1 where the work failed, 130 where the user stopped it. Arguments that
        cannot be understood end the process with 2.
    """
    parser = argparse.ArgumentParser(
        prog="pifuhd", description="A metric, coloured 3D mesh of the person in a photo."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except PifuhdError as error:
        print(f"pifuhd: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("pifuhd: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
