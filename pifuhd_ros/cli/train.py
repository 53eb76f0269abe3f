"""``pifuhd train``: trains the networks on people that the project makes itself."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "train",
        help="train the networks",
        description="Trains pifuhd-lite; goes on by itself from a checkpoint in the folder.",
    )
    parser.add_argument("--data", type=Path, required=True, help="people of pifuhd synthesize")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and weights")
    parser.add_argument(
        "--levels",
        default="normals,coarse",
        help="networks that learn, of normals, coarse, fine (default: %(default)s)",
    )
    parser.add_argument("--init", type=Path, help="weights to start from (default: random)")
    parser.add_argument("--steps", type=int, default=8000, help="default: %(default)s")
    parser.add_argument("--batch", type=int, default=8, help="views a step")
    parser.add_argument("--points", type=int, default=6000, help="points a view")
    parser.add_argument("--learning-rate", type=float, default=1.2e-3)
    parser.add_argument("--warmup-steps", type=int, default=200, help="of the learning rate")
    parser.add_argument("--ema-decay", type=float, default=0.998, help="of the averaged weights")
    parser.add_argument("--validate-every", type=int, default=500, help="steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0 for all")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Trains until the last step."""
    import torch
    from tqdm import tqdm

    from pifuhd_ros.networks.pifuhd import LITE
    from pifuhd_ros.networks.weights import load_network
    from pifuhd_ros.training.config import TrainingConfig
    from pifuhd_ros.training.trainer import Trainer, new_network

    if args.threads > 0:
        torch.set_num_threads(args.threads)
    config = TrainingConfig(
        levels=tuple(args.levels.split(",")),
        steps=args.steps,
        batch=args.batch,
        points=args.points,
        learning_rate=args.learning_rate,
        warmup_steps=args.warmup_steps,
        ema_decay=args.ema_decay,
        validate_every=args.validate_every,
        seed=args.seed,
    )
    network = new_network(LITE, args.seed) if args.init is None else load_network(args.init)
    trainer = Trainer(network.train(), config, args.data, args.out, torch.device(args.device))
    if trainer.resume():
        print(f"goes on from step {trainer.step}")
    with tqdm(total=config.steps, initial=trainer.step, unit="step") as bar:

        def show(stage: str, fraction: float) -> None:
            bar.update(trainer.step - bar.n)
            bar.set_postfix_str(stage)

        trainer.run(show)
    print(f"weights: {args.out / 'weights.safetensors'}")
    return 0
