"""``pifuhd relight``: a reconstructed person in another light."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pifuhd_ros.cli.output_path import check_writable, path_ending_in

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "relight",
        help="draw a reconstructed person in another light",
        description="Lights the albedo of a mesh of 'pifuhd reconstruct --system phorhum' like "
        "another photo, or by a lamp, and draws it.",
    )
    parser.add_argument("mesh", type=Path, help=".glb file with the albedo as colours")
    parser.add_argument("-o", "--output", type=path_ending_in(".png"), required=True, metavar="PNG")
    light = parser.add_mutually_exclusive_group(required=True)
    light.add_argument(
        "--like", type=Path, metavar="PHOTO", help="the light of the person in another photo"
    )
    light.add_argument(
        "--light",
        type=float,
        nargs=3,
        metavar=("X", "Y", "Z"),
        help="a lamp from this direction: x right, y up, z towards the camera",
    )
    parser.add_argument(
        "--turntable", action="store_true", help="from all sides, instead of from the camera"
    )
    parser.add_argument("--size", type=int, default=768, help="height in pixels (default: 768)")
    parser.add_argument(
        "--weights", type=Path, help="of phorhum, for --like (default: those of the package)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1, for --like")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Light and draw.

    Raises:
        PifuhdError: the mesh, the photo or the weights cannot be used, the picture cannot be
            written, or there is no such light.
    """
    from pifuhd_ros.stages.glb_reader import read_glb
    from pifuhd_ros.stages.relight import albedo_of, lamp_shading, normals_towards_viewer, relit
    from pifuhd_ros.stages.turntable import draw_view, render_turntable
    from pifuhd_ros.types import PifuhdError

    if not 16 <= args.size <= 4096:
        raise PifuhdError(f"size is 16 to 4096 pixels, not {args.size}")
    check_writable(args.output)
    mesh = read_glb(args.mesh)
    albedo_of(mesh)
    normals = normals_towards_viewer(mesh)
    if args.like is not None:
        shading = _like_photo(args, normals)
    else:
        try:
            shading = lamp_shading(normals, tuple(args.light))
        except ValueError as error:
            raise PifuhdError(str(error)) from error
    lit = relit(mesh, shading)
    if args.turntable:
        render_turntable(lit, args.output, size=args.size, styles=("flat",))
    else:
        draw_view(lit, args.output, size=args.size, style="flat")
    print(args.output)
    return 0


def _like_photo(
    args: argparse.Namespace, normals: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    from pifuhd_ros.reconstructors.phorhum import PhorhumReconstructor
    from pifuhd_ros.stages.image_io import read_frame

    frame = read_frame(args.like)
    model = PhorhumReconstructor.from_pretrained(args.weights, args.device)
    try:
        return model.shade(normals, model.light_of(frame))
    finally:
        model.close()
