"""Config dataclasses to JSON text and strictly back."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from typing import Any, TypeVar

_T = TypeVar("_T")
ADDED_LATER = "added later"
"""In a field's metadata: files from before it was there lack it, which means its default."""
_MAX_INT = 4096
_MAX_LENGTH = 64


def config_to_json(config: object) -> str:
    """A dataclass of numbers, strings, tuples of ints and further such dataclasses, as JSON.

    Where a field may hold one of several dataclasses, its JSON says which under "type".
    """
    return json.dumps(_to_plain(config), indent=1)


def config_from_json(cls: type[_T], text: str) -> _T:
    """The dataclass that config_to_json wrote.

    Text is not trusted: unknown fields, missing fields, wrong types, integers outside 0 … 4096 and
    tuples or strings beyond 64 entries are errors. Fields with a default must be there too, but for
    those ADDED_LATER.

    Raises:
        ValueError: names the field and what is wrong with it.
    """
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the config is not JSON: {error}") from error
    value: _T = _read(cls, data, "config")
    return value


def _to_plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    return value


def _read(kind: Any, data: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_union(typing.get_args(kind), data, where)
    if origin is typing.Literal:
        if not isinstance(data, str) or data not in typing.get_args(kind):
            raise ValueError(f"{where} is {data!r}, expected one of {typing.get_args(kind)}")
        return data
    if origin is tuple:
        item = typing.get_args(kind)[0]
        if not isinstance(data, list) or len(data) > _MAX_LENGTH:
            raise ValueError(f"{where} must be a list of at most {_MAX_LENGTH} entries")
        return tuple(_read(item, entry, f"{where}[{i}]") for i, entry in enumerate(data))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _read_dataclass(kind, data, where)
    return _read_scalar(kind, data, where)


def _read_union(kinds: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in kinds:
        return None
    named = {k.__name__: k for k in kinds if isinstance(k, type) and dataclasses.is_dataclass(k)}
    if named:
        name = data.get("type") if isinstance(data, dict) else None
        if not isinstance(name, str) or name not in named:
            raise ValueError(f"{where}.type is {name!r}, expected one of {sorted(named)}")
        return _read(named[name], data, where)
    (kind,) = (k for k in kinds if k is not type(None))
    return _read(kind, data, where)


def _read_dataclass(cls: type, data: Any, where: str) -> Any:
    if not isinstance(data, dict) or data.get("type") != cls.__name__:
        raise ValueError(f"{where} must be an object of type {cls.__name__}")
    fields = [f.name for f in dataclasses.fields(cls)]
    needed = {f.name for f in dataclasses.fields(cls) if not f.metadata.get(ADDED_LATER)}
    unknown = sorted(set(data) - set(fields) - {"type"})
    missing = sorted(needed - set(data))
    if unknown or missing:
        raise ValueError(f"{where}: unknown fields {unknown}, missing fields {missing}")
    hints = typing.get_type_hints(cls)
    values = {
        name: _read(hints[name], data[name], f"{where}.{name}") for name in fields if name in data
    }
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _read_scalar(kind: Any, data: Any, where: str) -> Any:
    if kind is bool and isinstance(data, bool):
        return data
    if kind is str and isinstance(data, str) and len(data) <= _MAX_LENGTH:
        return data
    if isinstance(data, bool) or not isinstance(data, (int, float)):
        raise ValueError(f"{where} is {data!r:.80}, expected {kind.__name__}")
    if kind is float and math.isfinite(data):
        return float(data)
    if kind is int and isinstance(data, int) and 0 <= data <= _MAX_INT:
        return data
    raise ValueError(f"{where} is {data!r:.80}, expected {kind.__name__} (at most {_MAX_INT})")
