"""The table of parameters, and everything that is made from it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pifuhd_ros.reconstructors.table import RECONSTRUCTORS
from pifuhd_ros.ros.parameter_docs import as_markdown, as_yaml
from pifuhd_ros.ros.parameters import PARAMETERS, CaptureParameters, ParameterSpec

REPOSITORY = Path(__file__).resolve().parents[2]
BY_NAME = {spec.name: spec for spec in PARAMETERS}


@pytest.mark.parametrize("spec", PARAMETERS, ids=lambda spec: spec.name)
def test_parameter_is_complete(spec: ParameterSpec) -> None:
    assert spec.problem(spec.default) is None
    assert spec.description.endswith(".")
    assert (spec.minimum is None) == (spec.maximum is None)
    if isinstance(spec.default, (int, float)) and not isinstance(spec.default, bool):
        assert spec.minimum is not None
        assert spec.maximum is not None
        assert spec.problem(type(spec.default)(spec.maximum)) is None
        assert spec.problem(spec.maximum + 1) is not None
        assert spec.problem(spec.minimum - 1) is not None


def test_defaults_are_those_of_the_record() -> None:
    assert {name: spec.default for name, spec in BY_NAME.items()} == vars(CaptureParameters())


def test_every_system_can_be_chosen() -> None:
    assert BY_NAME["system"].choices == tuple(RECONSTRUCTORS)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("window_s", math.nan, "finite"),
        ("resolution", 513, "resolution must be 32 to 512, not 513"),
        ("system", "magic", "system must be one of"),
        ("device", "cuda:", "device must look like"),
        ("device", "cpu\n", "device must look like"),
        ("save_formats", ("glb", "exe"), "not exe"),
    ],
)
def test_problem_is_told(name: str, value: object, words: str) -> None:
    problem = BY_NAME[name].problem(value)
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [("device", "cuda:1"), ("save_formats", ()), ("save_formats", ["obj"]), ("continuous", True)],
)
def test_good_value_has_no_problem(name: str, value: object) -> None:
    assert BY_NAME[name].problem(value) is None


def test_config_file_says_what_the_table_says() -> None:
    text = (REPOSITORY / "config" / "capture.yaml").read_text(encoding="utf-8")
    assert text == as_yaml(), "python -m pifuhd_ros.ros.parameter_docs yaml > config/capture.yaml"


def test_readme_says_what_the_table_says() -> None:
    readme = REPOSITORY / "README.md"
    if not readme.exists():
        pytest.skip("there is no README.md beside the tests")
    assert as_markdown() in readme.read_text(encoding="utf-8"), "parameter_docs markdown"
