"""``pifuhd synthesize``: makes a dataset of people."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser("synthesize", help="make a dataset of people")
    parser.add_argument(
        "--assets",
        type=Path,
        required=True,
        help="MakeHuman's folder, or what pack-assets made of it",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--count", type=int, default=1600, help="people (default: %(default)s)")
    parser.add_argument("--views", type=int, default=3, help="of each person")
    parser.add_argument("--size", type=int, default=512, help="side of the views [px]")
    parser.add_argument("--seed", type=int, default=0, help="of the first person")
    parser.add_argument("--split", choices=("train", "held_out"), default="train")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0 for all")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Makes the shards that are not there yet."""
    import torch
    from tqdm import tqdm

    from pifuhd_ros.assets.pack import packed_assets
    from pifuhd_ros.body.model import BODY_FILE, load_body
    from pifuhd_ros.synthetic.dataset import DatasetConfig, shard_path, write_shard
    from pifuhd_ros.synthetic.wardrobe import load_wardrobe

    if args.threads > 0:
        torch.set_num_threads(args.threads)
    config = DatasetConfig(size_px=args.size, views=args.views, split=args.split)
    with packed_assets(args.assets, BODY_FILE) as packed:
        wardrobe = load_wardrobe(packed, args.device)
    body = load_body(device=args.device)
    args.out.mkdir(parents=True, exist_ok=True)
    shards = -(-args.count // config.people_per_shard)
    for index in tqdm(range(shards), unit="shard", desc="people"):
        path = shard_path(args.out, index)
        if not path.is_file():
            first = args.seed + index * config.people_per_shard
            write_shard(path, wardrobe, body, config, first)
    return 0
