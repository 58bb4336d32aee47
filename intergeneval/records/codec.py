"""Records to JSON and back, driven by the dataclass fields, strict in both directions.

A record is a frozen, slotted, keyword-only dataclass whose fields are JSON scalars, enums of strings, other records, and
tuples or string-keyed mappings of those. A trailing underscore in a field name (``class_``, ``if_``) is dropped in JSON.
A field that a record was given later (`LATER`) is written only where it says something, so that what was written before keeps
its bytes and its hashes.
"""

from __future__ import annotations

import enum
import functools
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

from intergeneval.errors import RecordError

LATER: Mapping[str, Any] = types.MappingProxyType({"later": True})
"""Metadata of a field that came after records of its kind were written: left out of the JSON while it holds its default, which is
immutable (None, a text, a number, an enum or an empty tuple)."""


class Record:
    """Base of all records: `to_json` gives plain JSON values, `from_json` takes them back or raises RecordError."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object: every field, also those that are None, but for a `LATER` one at its default."""
        return {
            name.rstrip("_"): _encode(getattr(self, name))
            for name, silent in _written(typing.cast(Any, type(self)))
            if silent is MISSING or getattr(self, name) != silent
        }

    @classmethod
    def from_json(cls, value: Any, *, where: str = "") -> Self:
        """Build the record from a JSON object; unknown, missing and ill-typed fields raise RecordError.

        `where` names the file and line for the message.
        """
        try:
            return typing.cast(Self, _decoder(typing.cast(Any, cls))(value))
        except _FaultError as fault:
            raise RecordError(f"{where or cls.__name__}{''.join(reversed(fault.path))}: {fault.text}") from None

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


@functools.cache
def _written(cls: Any) -> tuple[tuple[str, Any], ...]:
    """Return (field name, value that is not written) of a record class; MISSING where every value is."""
    return tuple((item.name, item.default if item.metadata.get("later") else MISSING) for item in fields(cls))


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


Decoder = Callable[[Any], Any]
"""JSON value -> value of a field; raises _FaultError."""


class _FaultError(Exception):
    """A value is not what its field takes; where it stands is known only on the way out, so nothing is paid for it before."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.path: list[str] = []

    def within(self, part: str) -> Self:
        """Note the next outer part of the place, such as ``.masks`` or ``[3]``."""
        self.path.append(part)
        return self


def _wrong(wanted: str, value: Any) -> _FaultError:
    shown = repr(value)
    return _FaultError(f"expected {wanted}, got {shown if len(shown) <= 80 else shown[:77] + '...'}")


@functools.cache
def _decoder(hint: Any) -> Decoder:  # noqa: PLR0911  # one return for each kind of type reads best
    """Return what decodes values of a type; made once a type, because a run folder holds millions of values of a few types."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union_decoder(get_args(hint))
    if origin is tuple:
        return _tuple_decoder(get_args(hint))
    if origin in (dict, Mapping):
        return _mapping_decoder(get_args(hint)[1])
    if origin is typing.Literal:
        return _choice_decoder({value: value for value in get_args(hint)}, get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _choice_decoder({item.value: item for item in hint}, [item.value for item in hint])
    if is_dataclass(hint):
        return _record_decoder(typing.cast(type, hint))
    return _SCALARS[hint]


def _any(value: Any) -> Any:
    return value


def _none(value: Any) -> None:
    if value is not None:
        raise _wrong("null", value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _wrong("a text", value)


def _truth_value(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong("true or false", value)


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _wrong("a whole number", value)


def _number(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    raise _wrong("a number", value)


_SCALARS: dict[Any, Decoder] = {Any: _any, type(None): _none, str: _text, bool: _truth_value, int: _whole, float: _number}


def _choice_decoder(known: Mapping[Any, Any], shown: Sequence[Any]) -> Decoder:
    def decode(value: Any) -> Any:
        try:
            return known[value]
        except (KeyError, TypeError):
            raise _wrong("one of " + ", ".join(map(repr, shown)), value) from None

    return decode


def _union_decoder(options: tuple[Any, ...]) -> Decoder:
    nothing = type(None) in options
    inner = [_decoder(option) for option in options if option is not type(None)]

    def decode(value: Any) -> Any:
        if value is None and nothing:
            return None
        first: _FaultError | None = None
        for option in inner:
            try:
                return option(value)
            except _FaultError as fault:
                first = first or fault
        assert first is not None
        raise first

    return decode


def _tuple_decoder(items: tuple[Any, ...]) -> Decoder:
    endless = len(items) == 2 and items[1] is Ellipsis
    inner = [_decoder(item) for item in items if item is not Ellipsis]

    def decode(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise _wrong("a list", value)
        if not endless and len(value) != len(inner):
            raise _wrong(f"a list of {len(inner)}", value)
        parts = inner * len(value) if endless else inner
        try:
            return tuple([part(item) for part, item in zip(parts, value, strict=True)])
        except _FaultError:
            # Only now is it worth counting.
            for index, (part, item) in enumerate(zip(parts, value, strict=True)):
                try:
                    part(item)
                except _FaultError as fault:
                    raise fault.within(f"[{index}]") from None
            raise

    return decode


def _mapping_decoder(hint: Any) -> Decoder:
    inner = _decoder(hint)

    def decode(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong("an object", value)
        found = {}
        for key, item in value.items():
            try:
                found[key] = inner(item)
            except _FaultError as fault:
                raise fault.within(f".{key}") from None
        return found

    return decode


def _record_decoder(cls: type) -> Decoder:
    steps = [(name.rstrip("_"), name, _decoder(hint), required) for name, hint, required in _schema(cls)]
    known = {key for key, *_ in steps}

    def decode(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong(f"an object ({cls.__name__})", value)
        if not value.keys() <= known:
            unknown = min(value.keys() - known)
            raise _FaultError(f"unknown field {unknown!r}; known are {', '.join(sorted(known))}")
        arguments = {}
        for key, name, inner, required in steps:
            if key in value:
                try:
                    arguments[name] = inner(value[key])
                except _FaultError as fault:
                    raise fault.within(f".{key}") from None
            elif required:
                raise _FaultError(f"field {key!r} is missing")
        try:
            return cls(**arguments)
        except ValueError as error:
            raise _FaultError(str(error)) from None

    return decode
