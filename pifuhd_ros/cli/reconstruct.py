"""``pifuhd reconstruct``: a photo to a mesh file."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pifuhd_ros.cli.output_path import check_writable, path_ending_in

if TYPE_CHECKING:
    from pifuhd_ros.types import Frame, Reconstruction

MESH_ENDINGS = (".glb", ".obj", ".ply")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "reconstruct",
        help="turn the photo of a person into a mesh",
        description="Turns the most prominent person in a photo into a coloured mesh, in metres.",
    )
    parser.add_argument("image", type=Path, help="photo: PNG, JPEG, WebP …")
    parser.add_argument(
        "-o",
        "--output",
        type=path_ending_in(*MESH_ENDINGS),
        required=True,
        metavar="MESH",
        help=f"file to write: {', '.join(MESH_ENDINGS)}",
    )
    parser.add_argument(
        "--turntable",
        type=path_ending_in(".png"),
        metavar="PNG",
        help="also write a picture of the mesh from all sides",
    )
    parser.add_argument(
        "--system", default="pifuhd", help="reconstruction system (default: %(default)s)"
    )
    parser.add_argument(
        "--color",
        choices=("auto", "photo", "photo+albedo", "albedo", "shaded"),
        default="auto",
        help="what the mesh's colours show. pifuhd: photo, where the camera saw the surface, and "
        "a plain guess behind, or photo+albedo, with phorhum's colours behind; phorhum: albedo, "
        "without the light, or shaded, lit as in the photo (default: photo or albedo)",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="weights, also the published pifuhd.pt (default: those of the package)",
    )
    parser.add_argument(
        "--albedo-weights",
        type=Path,
        metavar="FILE",
        help="weights of phorhum for --color photo+albedo (default: those of the package)",
    )
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:1 (default: %(default)s)"
    )
    parser.add_argument(
        "--resolution",
        type=_number_between(1, 4096, int),
        default=256,
        metavar="CELLS",
        help="cells of the surface grid along each axis (default: %(default)s)",
    )
    parser.add_argument(
        "--stature",
        type=_number_between(0.2, 3.0, float),
        default=1.70,
        metavar="METRES",
        help="height of the person, which sets the scale (default: %(default)s)",
    )
    parser.add_argument(
        "--camera-fov",
        type=_number_between(1, 170, float),
        metavar="DEGREES",
        help="the camera's vertical field of view (default: from the photo's EXIF data, else 60)",
    )
    parser.add_argument(
        "--threads",
        type=_number_between(1, 4096, int),
        metavar="N",
        help="CPU threads (default: all cores)",
    )
    parser.add_argument(
        "--no-face-relief",
        dest="face_relief",
        action="store_false",
        help="leave faces as smooth as the network sees them",
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Reconstruct, write, and say what was written and how long each stage took.

    Raises:
        PifuhdError: what was wrong, for the user to read.
    """
    from pifuhd_ros.cli.progress import progress_bar
    from pifuhd_ros.reconstructors.table import RECONSTRUCTORS
    from pifuhd_ros.stages.export import export_mesh
    from pifuhd_ros.stages.image_io import read_frame
    from pifuhd_ros.stages.turntable import render_turntable
    from pifuhd_ros.types import PifuhdError

    if args.system not in RECONSTRUCTORS:
        raise PifuhdError(
            f"there is no system {args.system!r}: choose from {', '.join(RECONSTRUCTORS)}"
        )
    colors = RECONSTRUCTORS[args.system].colors
    if args.color not in ("auto", *colors):
        raise PifuhdError(f"{args.system} has no color {args.color}: use {', '.join(colors)}")
    if args.albedo_weights is not None and args.color != "photo+albedo":
        raise PifuhdError("--albedo-weights are for --color photo+albedo")
    for path in filter(None, (args.output, args.turntable)):
        check_writable(path)
    frame = _with_camera(read_frame(args.image), args.camera_fov)
    start_s = time.perf_counter()
    with progress_bar(disable=True if args.quiet else None) as on_progress:
        on_progress("load", 0.0)
        model = RECONSTRUCTORS[args.system].from_pretrained(
            args.weights,
            args.device,
            resolution=args.resolution,
            stature_m=args.stature,
            color=args.color,
            albedo_weights=args.albedo_weights,
            face_relief=args.face_relief,
            threads=args.threads,
        )
        load_s = time.perf_counter() - start_s
        try:
            person = model.infer(frame, on_progress)[0]
        finally:
            model.close()
        on_progress("export", 1.0)
        start_s = time.perf_counter()
        written = [export_mesh(person.mesh, args.output)]
        if args.turntable is not None:
            written.append(render_turntable(person.mesh, args.turntable))
        export_s = time.perf_counter() - start_s
    if not args.quiet:
        _report(person, written, {"load": load_s, **person.timings_s, "export": export_s})
    return 0


def _report(person: Reconstruction, written: list[Path], timings_s: dict[str, float]) -> None:
    mesh = person.mesh
    for path in written:
        print(path)
    source = "depth image" if person.scale_source == "depth" else "assumed stature"
    height_m = float(mesh.vertices[:, 1].max() - mesh.vertices[:, 1].min())
    print(f"{len(mesh.vertices)} vertices, {len(mesh.faces)} faces")
    print(f"{height_m:.2f} m high, scale by {source}")
    for notice in person.notices:
        print(f"note: {notice}")
    width = max(map(len, timings_s))
    for stage, seconds in timings_s.items():
        print(f"  {stage:<{width}} {seconds:7.2f} s")
    print(f"  {'total':<{width}} {sum(timings_s.values()):7.2f} s")


def _with_camera(frame: Frame, fov_deg: float | None) -> Frame:
    from pifuhd_ros.geometry.cameras import camera_from_fov

    if fov_deg is None:
        return frame
    height, width = frame.rgb.shape[:2]
    return replace(frame, camera=replace(camera_from_fov(fov_deg, width, height), is_guess=False))


def _number_between(
    low: float, high: float, kind: type[int] | type[float]
) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
        if not (math.isfinite(number) and low <= number <= high):
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return number

    return parse
