"""Freed memory that is kept, seen by the page faults of the next tensors."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys, torch
from pifuhd_ros.reconstructors.host_memory import keep_freed_memory, return_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    print("not glibc"); raise SystemExit
def fill():
    for _ in range(4):
        torch.empty(20_000_000).fill_(1)
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    fill()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
# What small blocks pin is settled after a few rounds.
fewest = min(faults() for _ in range(5))
held = resident()
return_freed_memory()
print(fewest, held - resident())
"""


@pytest.mark.parametrize("mode", ["keep", "leave"])
def test_kept_memory_is_used_again_and_can_be_returned(mode: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, mode], capture_output=True, text=True, check=True
    )
    if "not glibc" in done.stdout:
        pytest.skip("the C library is not glibc")
    faults, returned = map(int, done.stdout.split())
    if mode == "keep":
        assert faults < 1000
        assert returned > 70e6
    else:
        assert faults > 10_000
