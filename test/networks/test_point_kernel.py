"""The kernel in Triton's interpreter, on a CPU, against the chain's plain way.

Triton is no requirement of the package; on a machine with CUDA it comes with torch.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton", reason="needs triton: pip install triton")

SCRIPT = """
import torch
from test_point_chain import PHI_FIRST, chain, columns
from small_pifuhd import SMALL_HOURGLASS, SMALL_UNET, small_network
from pifuhd_ros.networks.point_kernel import run_chain
from pifuhd_ros.networks.point_packing import pack_chain, pad_terms

for config in (SMALL_HOURGLASS, SMALL_UNET, PHI_FIRST):
    network = small_network(config)
    coarse, fine, column, z = columns(config)
    for dtype, most in ((torch.float32, 1e-5), (torch.float16, 1e-3)):
        plain = chain(network, dtype)
        expected = plain.logits(plain.column_terms(coarse, fine), column, z)
        terms = pad_terms(plain).column_terms(coarse, fine)
        got = run_chain(pack_chain(plain), terms, column, z)
        assert got.shape == (150,), got.shape
        assert expected.std() > 0.02, expected.std()
        error = (got - expected).abs().max()
        assert error < most, (config.name, dtype, error)
assert run_chain(pack_chain(plain), terms, column[:0], z[:0]).shape == (0,)
print("equal")
"""


def test_kernel_equals_the_plain_way() -> None:
    """In a process of its own: the interpreter is chosen when triton is imported."""
    here = os.path.dirname(__file__)
    path = os.pathsep.join([here, os.environ.get("PYTHONPATH", ""), os.getcwd()])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.endswith("equal\n"), done.stderr
