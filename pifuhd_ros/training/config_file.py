"""Training configs by name, module or file, and single settings changed on the command line."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from pifuhd_ros.training import configs
from pifuhd_ros.training.config import StageConfig, TrainingConfig
from pifuhd_ros.types import ConfigError


def load_config(name: str) -> TrainingConfig:
    """The ``CONFIG`` of a Python module, which is run: give only files that you trust.

    Args:
        name: one of this package's (``lite_cpu``), a dotted module, or a path that ends in .py.

    Raises:
        ConfigError: there is no such module, it fails, or it holds no ``CONFIG``.
    """
    try:
        module = _module(name)
    except ConfigError:
        raise
    except Exception as error:  # It is the user's code: it can fail in any way.
        raise ConfigError(f"the config {name} fails: {type(error).__name__}: {error}") from error
    config = getattr(module, "CONFIG", None)
    if not isinstance(config, TrainingConfig):
        raise ConfigError(f"{name} does not set CONFIG to a TrainingConfig")
    return config


def config_names() -> list[str]:
    """The configs of this package."""
    return sorted(module.name for module in pkgutil.iter_modules(configs.__path__))


def _module(name: str) -> ModuleType:
    if name.endswith(".py"):
        path = Path(name)
        if not path.is_file():
            raise ConfigError(f"there is no config file {name}")
        spec = importlib.util.spec_from_file_location(f"pifuhd_config_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    dotted = name if "." in name else f"{configs.__name__}.{name}"
    try:
        found = importlib.util.find_spec(dotted)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise ConfigError(
            f"there is no config {name}: give one of {', '.join(config_names())}, a module or a "
            "file that ends in .py"
        )
    return importlib.import_module(dotted)


def override(config: TrainingConfig, assignments: Iterable[str]) -> TrainingConfig:
    """A config with some settings changed.

    Args:
        config: To start from.
        assignments: ``FIELD=VALUE`` of the run, ``STAGE.FIELD=VALUE`` of a stage, or
            ``*.FIELD=VALUE`` of every stage; values as in Python, words without quotes.

    Raises:
        ConfigError: no such field or stage, or a value that the field cannot have.
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"{assignment!r} is no FIELD=VALUE")
        stage, _, field = key.rpartition(".")
        try:
            if not stage:
                config = _changed(config, key, text)
                continue
            names = [s.name for s in config.stages]
            if stage not in ("*", *names):
                raise ConfigError(f"there is no stage {stage}: it is one of *, {', '.join(names)}")
            stages = tuple(
                _changed(s, field, text) if stage in ("*", s.name) else s for s in config.stages
            )
            config = replace(config, stages=stages)
        except ValueError as error:
            raise ConfigError(f"{assignment}: {error}") from error
    return config


def _changed(config: Any, name: str, text: str) -> Any:
    """``config`` with one field read from ``text``."""
    simple = [
        field.name
        for field in fields(config)
        if isinstance(getattr(config, field.name), (bool, int, float, str))
        or (isinstance(config, StageConfig) and field.name == "levels")
    ]
    if name not in simple:
        raise ValueError(f"{name!r} is none of {', '.join(simple)}")
    old = getattr(config, name)
    if isinstance(old, tuple):
        return replace(config, **{name: tuple(text.split(","))})
    if isinstance(old, str):
        return replace(config, **{name: text})
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(old):
        raise ValueError(f"expected {type(old).__name__}, such as {old!r}")
    return replace(config, **{name: value})
