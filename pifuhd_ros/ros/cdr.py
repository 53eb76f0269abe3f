"""Messages to the bytes that go over the wire, arrays of points and colours as they lie in memory.

rclpy fills a list of small messages one by one, and reads it one by one again to send it: a second
for a large marker. ``Publisher.publish`` takes the serialized bytes as well.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
from rosidl_parser.definition import (
    AbstractString,
    AbstractType,
    Array,
    BasicType,
    BoundedSequence,
    NamespacedType,
    UnboundedSequence,
)

_ENCAPSULATION = b"\x00\x01\x00\x00" if sys.byteorder == "little" else b"\x00\x00\x00\x00"
_DTYPES: dict[str, np.dtype[Any]] = {
    "boolean": np.dtype("u1"),
    "octet": np.dtype("u1"),
    "char": np.dtype("u1"),
    "float": np.dtype("f4"),
    "double": np.dtype("f8"),
    **{f"{sign}int{bits}": np.dtype(f"{sign or 'i'}{bits // 8}")
       for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


class CdrWriter:
    """Writes messages one after another as plain CDR, in this machine's byte order.

    The layout comes from the compiled messages, so that it follows the distribution.

    Source: OMG, DDS Interoperability Wire Protocol 2.5, section 10 (CDR_LE, CDR_BE), and Common
    Object Request Broker Architecture 3.3 part 2, section 9.3.
    """

    def __init__(self) -> None:
        """Start an empty message."""
        self._parts: list[bytes | memoryview] = [_ENCAPSULATION]
        self._size = 0

    def to_bytes(self) -> bytes:
        """Return all that was written, to publish or to deserialize."""
        return b"".join(self._parts)

    def write_length(self, length: int) -> None:
        """Write the number of elements that begins a sequence."""
        self._write_array(np.array([length], np.uint32))

    def write_message(
        self, message: Any, arrays: Mapping[str, npt.NDArray[Any]] | None = None
    ) -> None:
        """Write a message.

        Args:
            message: Any but one with wide strings.
            arrays: Fields that are sequences of small messages, given as rows (N, fields) instead
                of what the message holds there; such as float64 (N, 3) for a Point[].

        Raises:
            ValueError: An array's columns or numbers are not those of the field's messages.
        """
        for name, kind in _fields(type(message)):
            rows = None if arrays is None else arrays.get(name)
            if rows is None:
                self._write(getattr(message, name), kind)
            else:
                self._write_rows(name, rows, kind)

    def _write(self, value: Any, kind: AbstractType) -> None:
        if isinstance(kind, BasicType):
            number = ord(value) if isinstance(value, bytes) else value
            self._write_array(np.array([number], _DTYPES[kind.typename]))
        elif isinstance(kind, AbstractString):
            text = value.encode() + b"\0"
            self.write_length(len(text))
            self._append(text)
        elif isinstance(kind, NamespacedType):
            self.write_message(value)
        elif isinstance(kind, (Array, BoundedSequence, UnboundedSequence)):
            if not isinstance(kind, Array):
                self.write_length(len(value))
            self._write_elements(value, kind.value_type)
        else:
            raise TypeError(f"{kind} is not written here")

    def _write_elements(self, values: Sequence[Any], kind: AbstractType) -> None:
        if isinstance(kind, BasicType) and not isinstance(values, list):
            self._write_array(np.asarray(values, _DTYPES[kind.typename]))
            return
        for value in values:
            self._write(value, kind)

    def _write_rows(self, name: str, rows: npt.NDArray[Any], kind: AbstractType) -> None:
        dtype, columns = _row_layout(kind.value_type)
        if rows.dtype != dtype or rows.ndim != 2 or rows.shape[1] != columns:
            raise ValueError(
                f"{name} takes rows (N, {columns}) of {dtype}, not {rows.shape} of {rows.dtype}"
            )
        self.write_length(len(rows))
        self._write_array(rows)

    def _write_array(self, values: npt.NDArray[Any]) -> None:
        if values.size == 0:
            return
        # Every number lies at a multiple of its own size, counted from behind the encapsulation.
        self._append(bytes(-self._size % values.itemsize))
        self._append(np.ascontiguousarray(values).data.cast("B"))

    def _append(self, part: bytes | memoryview) -> None:
        self._parts.append(part)
        self._size += len(part)


def _fields(message_type: type[Any]) -> tuple[tuple[str, AbstractType], ...]:
    names = message_type.get_fields_and_field_types()
    return tuple(zip(names, message_type.SLOT_TYPES, strict=True))


def _row_layout(kind: AbstractType) -> tuple[np.dtype[Any], int]:
    """Type and number of the fields of a message that has only numbers of one type."""
    fields: tuple[tuple[str, AbstractType], ...] = ()
    if isinstance(kind, NamespacedType):
        fields = _fields(getattr(import_module(".".join(kind.namespaces)), kind.name))
    names = {field.typename for _, field in fields if isinstance(field, BasicType)}
    if len(names) != 1 or not all(isinstance(field, BasicType) for _, field in fields):
        raise ValueError(f"{kind} is no row of numbers of one type")
    return _DTYPES[names.pop()], len(fields)
