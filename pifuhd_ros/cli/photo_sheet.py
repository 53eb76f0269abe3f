"""``pifuhd photo-sheet``: what a system makes of a folder of photos, in one picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "photo-sheet",
        help="reconstruct a folder of photos and show them all in one picture",
        description="Draws a row for each photo: box, mask, normal maps, and the mesh from the "
        "front, the side and the back. A photo that fails is shown with the reason.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of photos")
    parser.add_argument("--out", type=Path, required=True, metavar="PNG", help="sheet to write")
    parser.add_argument(
        "--system", default="pifuhd", help="reconstruction system (default: %(default)s)"
    )
    parser.add_argument("--weights", type=Path, help="weights (default: those of the package)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    parser.add_argument(
        "--resolution", type=int, default=256, help="cells along each axis (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, help="CPU threads (default: all cores)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Reconstruct every photo, write the sheet, and name the photos that failed.

    Returns:
        0 where at least one photo could be reconstructed, else 1.

    Raises:
        PifuhdError: there is no photo, no such system, or its weights cannot be used.
    """
    from pifuhd_ros.cli.progress import progress_bar
    from pifuhd_ros.evaluation.photo_sheet import find_photos, save_photo_sheet
    from pifuhd_ros.reconstructors.table import RECONSTRUCTORS
    from pifuhd_ros.types import PifuhdError

    if args.system not in RECONSTRUCTORS:
        raise PifuhdError(
            f"there is no system {args.system!r}: choose from {', '.join(RECONSTRUCTORS)}"
        )
    photos = find_photos(args.folder)
    model = RECONSTRUCTORS[args.system].from_pretrained(
        args.weights, args.device, resolution=args.resolution, threads=args.threads
    )
    try:
        with progress_bar() as on_progress:
            errors = save_photo_sheet(model, photos, args.out, on_progress)
    finally:
        model.close()
    for error in errors:
        print(error, file=sys.stderr)
    print(args.out)
    return 0 if len(errors) < len(photos) else 1
