"""Records to JSON and back, driven by the dataclass fields, strict in both directions.

A record is a frozen, slotted, keyword-only dataclass whose fields are JSON scalars, enums of strings, other records, and
tuples or string-keyed mappings of those. A trailing underscore in a field name (``class_``, ``if_``) is dropped in JSON.
"""

from __future__ import annotations

import enum
import functools
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

from intergeneval.errors import RecordError


class Record:
    """Base of all records: `to_json` gives plain JSON values, `from_json` takes them back or raises RecordError."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object; every field is written, also those that are None."""
        return {name.rstrip("_"): _encode(getattr(self, name)) for name, _, _ in _schema(typing.cast(Any, type(self)))}

    @classmethod
    def from_json(cls, value: Any, *, where: str = "") -> Self:
        """Build the record from a JSON object; unknown, missing and ill-typed fields raise RecordError.

        `where` names the file and line for the message.
        """
        return typing.cast(Self, _decode(cls, value, where or cls.__name__))

    @classmethod
    def from_line(cls, line: str, *, where: str = "") -> Self:
        """Build the record from one line of JSON text. Raises RecordError."""
        try:
            value = json.loads(line)
        except ValueError as error:
            raise RecordError(f"{where or cls.__name__}: not JSON ({error})") from None
        return cls.from_json(value, where=where)


@functools.cache
def _schema(cls: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Return (field name, type, required) of a record class; type hints are resolved once per class."""
    hints = get_type_hints(cls)
    return tuple(
        (item.name, hints[item.name], item.default is MISSING and item.default_factory is MISSING) for item in fields(cls)
    )


def _encode(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _encode(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise RecordError(f"a record cannot hold a {type(value).__name__}: {value!r}")


def _decode(hint: Any, value: Any, where: str) -> Any:  # noqa: PLR0911  # one return for each kind of type reads best
    origin = get_origin(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _decode_union(hint, value, where)
    if origin is tuple:
        return _decode_tuple(hint, value, where)
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise _wrong(where, "an object", value)
        inner = get_args(hint)[1]
        return {key: _decode(inner, item, f"{where}.{key}") for key, item in value.items()}
    if origin is typing.Literal:
        if value not in get_args(hint):
            raise _wrong(where, "one of " + ", ".join(map(repr, get_args(hint))), value)
        return value
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError:
            raise _wrong(where, "one of " + ", ".join(repr(item.value) for item in hint), value) from None
    if is_dataclass(hint):
        return _decode_record(typing.cast(type, hint), value, where)
    return _decode_scalar(hint, value, where)


def _decode_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is type(None):
        if value is None:
            return None
        raise _wrong(where, "null", value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint in (bool, str) and isinstance(value, hint):
        return value
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    raise _wrong(where, names.get(hint, str(hint)), value)


def _decode_union(hint: Any, value: Any, where: str) -> Any:
    options = get_args(hint)
    if value is None and type(None) in options:
        return None
    concrete = [option for option in options if option is not type(None)]
    first: RecordError | None = None
    for option in concrete:
        try:
            return _decode(option, value, where)
        except RecordError as error:
            first = first or error
    assert first is not None
    raise first


def _decode_tuple(hint: Any, value: Any, where: str) -> Any:
    if not isinstance(value, list | tuple):
        raise _wrong(where, "a list", value)
    args = get_args(hint)
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if len(value) != len(args):
        raise _wrong(where, f"a list of {len(args)}", value)
    return tuple(_decode(arg, item, f"{where}[{index}]") for index, (arg, item) in enumerate(zip(args, value, strict=True)))


def _decode_record(cls: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where, f"an object ({cls.__name__})", value)
    schema = _schema(cls)
    known = {name.rstrip("_"): name for name, _, _ in schema}
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise RecordError(f"{where}: unknown field {unknown[0]!r}; known are {', '.join(sorted(known))}")
    arguments = {}
    for name, hint, required in schema:
        key = name.rstrip("_")
        if key in value:
            arguments[name] = _decode(hint, value[key], f"{where}.{key}")
        elif required:
            raise RecordError(f"{where}: field {key!r} is missing")
    try:
        return cls(**arguments)
    except ValueError as error:
        raise RecordError(f"{where}: {error}") from None


def _wrong(where: str, wanted: str, value: Any) -> RecordError:
    shown = repr(value)
    return RecordError(f"{where}: expected {wanted}, got {shown if len(shown) <= 80 else shown[:77] + '...'}")
