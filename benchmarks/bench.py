"""Speed and memory: each case in a process of its own, results as JSON and as a table.

python benchmarks/bench.py [--quick] [--only CASE ...] [--out FILE] [--readme README.md]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
CASES = (
    *("matrix", "surface_256", "surface_512", "surface_1024", "components", "people_components"),
    *("precision", "people_precision", "lite", "phorhum_lite", "continuous", "publishing"),
    *("published_256", "synthesize", "published_512"),
)
ON_CPU = CASES[:-1]
"""The last would take a CPU two minutes a run."""
NEED_ROS = ("continuous", "publishing")
NEED_ASSETS = ("people_components", "people_precision", "synthesize")


def main(arguments: list[str] | None = None) -> int:
    """Run the cases, print the table, write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one small run each: a smoke test")
    parser.add_argument("--only", nargs="+", choices=CASES, metavar="CASE")
    parser.add_argument("--runs", type=int, help="of each case (default: 5 on a CPU, else 20)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0 for all")
    parser.add_argument("--weights", type=Path, help="of the lite case (default: the shipped)")
    parser.add_argument(
        "--phorhum-weights", type=Path, help="of the phorhum_lite case (default: the shipped)"
    )
    parser.add_argument(
        "--assets", type=Path, help="made by pifuhd pack-assets; without it no case with people"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "bench.json")
    parser.add_argument("--readme", type=Path, help="put the table between its speed markers")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.runs is None:
        args.runs = 5 if args.device == "cpu" else 20
    if args.case:
        return _run_one(args)

    results = []
    for name in args.only or (ON_CPU if args.device == "cpu" else CASES):
        need = _needed(name, args)
        if need:
            print(f"{name}: left out, it needs {need}", file=sys.stderr)
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        results.append(_run_apart(name, args))
    if args.device == "cpu" and not args.only:
        results += _not_measured()
    report = {"format": "pifuhd_ros-bench/1", **_describe(args), "cases": results}
    table = _table(report)
    print(table)
    if not args.quick:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(f"written: {args.out}", file=sys.stderr)
    if args.readme:
        from pifuhd_ros.evaluation.tables import put_in_page

        put_in_page(args.readme, "speed", table)
    return 0


def _needed(name: str, args: argparse.Namespace) -> str | None:
    """What a case lacks here; None where it can run."""
    if name in NEED_ASSETS and args.assets is None:
        return "--assets FILE"
    if name in NEED_ROS and find_spec("rclpy") is None:
        return "ROS 2 (see the README)"
    return None


def _run_apart(name: str, args: argparse.Namespace) -> dict[str, object]:
    """A case in a fresh process, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--case", name, "--runs", str(args.runs)]
    command += ["--device", args.device, "--threads", str(args.threads)]
    if args.quick:
        command.append("--quick")
    if args.weights:
        command += ["--weights", str(args.weights)]
    if args.phorhum_weights:
        command += ["--phorhum-weights", str(args.phorhum_weights)]
    if args.assets:
        command += ["--assets", str(args.assets)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the case {name} failed with status {done.returncode}")
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def _not_measured() -> list[dict[str, object]]:
    from goals import missing_on_gpu

    return [asdict(case) for case in missing_on_gpu()]


def _run_one(args: argparse.Namespace) -> int:
    import cases
    import torch

    if args.threads > 0:
        torch.set_num_threads(args.threads)
    settings = cases.Settings(
        device=torch.device(args.device),
        runs=1 if args.quick else args.runs,
        quick=args.quick,
        weights=args.weights,
        phorhum_weights=args.phorhum_weights,
        assets=args.assets,
    )
    print(json.dumps(asdict(cases.RUN[args.case](settings))))
    return 0


def _describe(args: argparse.Namespace) -> dict[str, object]:
    import torch
    from measure import clock_mhz

    from pifuhd_ros.evaluation.provenance import describe_machine, library_versions

    machine = describe_machine(torch.device(args.device))
    return {
        "machine": asdict(machine),
        "threads": args.threads or torch.get_num_threads(),
        "clock_mhz": clock_mhz(torch.device(args.device)),
        "load_average_before": round(os.getloadavg()[0], 2),
        "versions": dict(library_versions()),
        "quick": args.quick,
    }


def _table(report: dict[str, object]) -> str:
    from speed_table import speed_table

    return speed_table(report)


if __name__ == "__main__":
    raise SystemExit(main())
