"""From a photo to a mesh no operation depends on the order in which a GPU's threads come to it.

Atomic additions of floats do: their sums differ in the last bits from run to run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pifuhd_ros"
ROOMS = ("fields", "geometry", "networks", "reconstructors", "stages")
"""What a capture runs through; the generator and the training have their own rules."""
ADDING = {"index_add", "scatter_add", "index_reduce", "index_put", "histc", "cumsum", "cumprod"}
"""Calls whose sums on a GPU take the order that they come in."""
WEIGHTED = {"bincount", "put"}
"""The same, where they are given weights, or told to accumulate."""
ORDERLESS = {"amin", "amax"}
"""Reductions by scatter_reduce that have one result in any order."""


def findings(source: str) -> Iterator[str]:
    """What a file does whose result may differ from run to run on a GPU."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        if isinstance(owner, ast.Name) and owner.id == "np":
            continue
        name = node.func.attr.removesuffix("_")
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        words = {value.value for value in values if isinstance(value, ast.Constant)}
        named = {keyword.arg for keyword in node.keywords}
        is_bad = (
            name in ADDING
            or (name in WEIGHTED and named & {"weights", "accumulate"})
            or (name == "scatter_reduce" and not words & ORDERLESS)
            or (name == "scatter" and "reduce" in named)
            or name.startswith("atomic")
        )
        if is_bad:
            yield f"line {node.lineno}: {name}"


@pytest.mark.parametrize("room", ROOMS)
def test_capture_is_the_same_every_time(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    found = {file.name: list(findings(file.read_text(encoding="utf-8"))) for file in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "y = x.index_add(0, i, v)",
        "x.scatter_add_(0, i, v)",
        "x.scatter_reduce(0, i, v, reduce='sum')",
        "x.scatter_reduce(0, i, v, 'mean')",
        "torch.bincount(i, weights=w)",
        "x.index_put_((i,), v, accumulate=True)",
        "tl.atomic_add(at, v)",
    ],
)
def test_checker_catches(source: str) -> None:
    assert list(findings(source))


@pytest.mark.parametrize(
    "source",
    ["x.scatter_reduce(0, i, v, reduce='amax')", "torch.bincount(i)", "np.bincount(i, weights=w)"],
)
def test_checker_lets_pass(source: str) -> None:
    assert not list(findings(source))
