"""Configs by name or file, and settings changed on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pifuhd_ros.networks.phorhum import PhorhumConfig
from pifuhd_ros.training.config import StageConfig, TrainingConfig
from pifuhd_ros.training.config_file import config_names, load_config, override
from pifuhd_ros.types import ConfigError


@pytest.mark.parametrize("name", config_names())
def test_every_config_of_the_package_trains_all_levels(name: str) -> None:
    config = load_config(name)
    expected = [("normals",), ("coarse",), ("fine",)]
    if isinstance(config.network, PhorhumConfig):
        expected = [("field", "light")] * 2
    assert [stage.levels for stage in config.stages] == expected
    assert load_config(f"pifuhd_ros.training.configs.{name}") is config


def test_a_file_is_a_config(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from pifuhd_ros.training.configs.lite_cpu import CONFIG as BASE\n"
        "from dataclasses import replace\n"
        "CONFIG = replace(BASE, seed=7)\n"
    )
    assert load_config(str(file)).seed == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not set CONFIG"),
        ("CONFIG = 3", "does not set CONFIG"),
        ("CONFIG = 1 / 0", "fails: ZeroDivisionError"),
        ("def", "fails: SyntaxError"),
        ("import a_module_that_is_not_there", "fails: ModuleNotFoundError"),
    ],
)
def test_a_file_that_is_no_config_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(str(file))


@pytest.mark.parametrize("name", ["missing.py", "heavy", "no.such.module"])
def test_a_missing_config_is_an_error(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no config"):
        load_config(name)


def test_settings_change() -> None:
    config = override(
        load_config("lite_cpu"),
        ["seed=3", "*.batch=6", "coarse.steps=10", "fine.learning_rate=1", "precision=bf16-mixed",
         "normals.levels=normals,coarse", "fine.balance_sides=True"],
    )  # fmt: skip
    assert config.seed == 3
    assert [stage.batch for stage in config.stages] == [6, 6, 6]
    assert config.stages[1].steps == 10
    assert config.stages[0].steps != 10
    assert config.stages[2].learning_rate == 1.0
    assert config.stages[2].balance_sides
    assert config.stages[0].levels == ("normals", "coarse")
    assert config.precision == "bf16-mixed"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("seed", "no FIELD=VALUE"),
        ("sead=3", "'sead' is none of"),
        ("seed=three", "expected int"),
        ("seed=True", "expected int"),
        ("network=3", "'network' is none of"),
        ("later.steps=3", "no stage later"),
        ("coarse.steps=0", "at least 1"),
        ("coarse.levels=depth", "levels are some of"),
        ("coarse.pieces=3", "do not divide"),
        ("precision=fp8", "precision is one of"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(load_config("lite_cpu"), [assignment])


def test_stages_have_names_of_their_own() -> None:
    config = load_config("lite_cpu")
    with pytest.raises(ValueError, match="its own name"):
        TrainingConfig(config.network, (config.stages[0], config.stages[0]))
    with pytest.raises(ValueError, match="letters, digits"):
        StageConfig("../elsewhere", ("fine",), 3)
