#!/usr/bin/env python3
"""Mixes two weights files of one config: results of runs that began from the same weights.

    python scripts/mix_weights.py a.safetensors b.safetensors mixed.safetensors --share 0.5
    … --share 1 --part point=0 --part point.albedo=0.5

A mean of two runs often does better than either. Where one run gained what it also paid for, a part
of it may do: then by parts of the network, named by how their tensors' names begin.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from pifuhd_ros.networks.weights import (
    Network,
    holds_phorhum,
    load_network,
    load_phorhum,
    save_weights,
)
from pifuhd_ros.types import WeightsError


def main() -> None:
    """Writes the mixture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second (default: 0.5)")
    parser.add_argument(
        "--part",
        type=_part,
        action="append",
        default=[],
        metavar="NAME=SHARE",
        help="another share for tensors whose names begin so; the longest name counts",
    )
    args = parser.parse_args()
    try:
        first, second = _load(args.first), _load(args.second)
        save_weights(args.out, mix(first, second, args.share, dict(args.part)))
    except WeightsError as error:
        parser.error(str(error))


def mix(first: Network, second: Network, share: float, parts: dict[str, float]) -> Network:
    """``first``, moved towards ``second`` by these shares of the way.

    Args:
        first: Is changed.
        second: Of the same config.
        share: Of the second, where no part says otherwise.
        parts: Shares by how tensors' names begin; the longest such name counts.

    Raises:
        WeightsError: The configs differ, or no tensor has a name that begins like a part's.
    """
    if first.config != second.config:
        raise WeightsError("the two files hold networks of different configs: they do not mix")
    own, others = first.state_dict(), second.state_dict()
    for part in parts:
        if not any(name.startswith(part) for name in own):
            raise WeightsError(f"no tensor has a name that begins with {part!r}")
    with torch.no_grad():
        for name, tensor in own.items():
            named = [part for part in parts if name.startswith(part)]
            tensor.lerp_(others[name], parts[max(named, key=len)] if named else share)
    return first


def _load(path: Path) -> Network:
    return load_phorhum(path) if holds_phorhum(path) else load_network(path)


def _part(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    return name, float(share)


if __name__ == "__main__":
    main()
