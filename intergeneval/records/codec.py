"""Records to JSON and back, driven by the dataclass fields, strict in both directions.

A record is a frozen, slotted, keyword-only dataclass whose fields are JSON scalars, enums of strings, other records, and
tuples or string-keyed mappings of those. A trailing underscore in a field name (``class_``, ``if_``) is dropped in JSON.
What a field may hold beyond its type is bounded in `intergeneval.records.limits`. Lines are decoded by msgspec
(`intergeneval.records.lines`); what it refuses is read again here, so that this module alone says what is wrong.
A field that a record was given later (`LATER`) is written only where it says something, so that what was written before keeps
its bytes and its hashes.
"""

from __future__ import annotations

import enum
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, Self, Union, get_args, get_origin, get_type_hints

from intergeneval.errors import RecordError
from intergeneval.ids import bounded_json
from intergeneval.records.limits import HIGHEST, LOWEST, MOST_ITEMS, MOST_TEXT, Kind, json_fault, text_fault
from intergeneval.records.lines import decode_line

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
        found = decode_line(cls, line)
        if found is not None:
            return typing.cast(Self, found)
        try:
            value = bounded_json(line)
        except ValueError as error:
            raise RecordError(f"{where or cls.__name__}: not JSON ({error})") from None
        return cls.from_json(value, where=where)


@functools.cache
def _schema(cls: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Return (field name, type, required) of a record class; type hints are resolved once per class."""
    hints = get_type_hints(cls, include_extras=True)
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
    return _FaultError(f"expected {wanted}, got {shown(value)}")


def shown(value: Any) -> str:
    """Return a value as a message shows it: at most 80 characters, and none of its making where it is large."""
    if isinstance(value, int) and not LOWEST <= value <= HIGHEST:
        return "a whole number of more than 64 bits"
    if isinstance(value, str):
        text = repr(value[:80])
    elif isinstance(value, dict | list | tuple):
        text = _outline(value)
    else:
        text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _outline(value: Any) -> str:
    """Return the beginning of a list or an object; a whole one could be deep, large, or hold numbers that cannot be written."""
    try:
        return repr(value if len(value) <= 20 else type(value)(list(value.items() if isinstance(value, dict) else value)[:20]))
    except (RecursionError, ValueError):
        return "an object" if isinstance(value, dict) else "a list"


@functools.cache
def _decoder(hint: Any) -> Decoder:  # noqa: PLR0911  # one return for each kind of type reads best
    """Return what decodes values of a type; made once a type, because a run folder holds millions of values of a few types."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _kind_decoder(*get_args(hint))
    if origin in (Union, types.UnionType):
        return _union_decoder(get_args(hint))
    if origin is tuple:
        return _tuple_decoder(get_args(hint))
    if origin in (dict, Mapping):
        return _mapping_decoder(*get_args(hint))
    if origin is typing.Literal:
        return _choice_decoder({value: value for value in get_args(hint)}, get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _choice_decoder({item.value: item for item in hint}, [item.value for item in hint])
    if is_dataclass(hint):
        return _record_decoder(typing.cast(type, hint))
    return _SCALARS[hint]


def _kind_decoder(hint: Any, kind: Kind) -> Decoder:
    # What a kind says of a length is told in its own words.
    inner = functools.partial(_text, most=max(kind.most, MOST_TEXT)) if hint is str else _decoder(hint)

    def decode(value: Any) -> Any:
        found = inner(value)
        fault = kind.fault(found)
        if fault is not None:
            raise _FaultError(fault)
        return found

    return decode


def _any(value: Any) -> Any:
    if (fault := json_fault(value)) is not None:
        raise _FaultError(fault)
    return value


def _none(value: Any) -> None:
    if value is not None:
        raise _wrong("null", value)


def _text(value: Any, most: int = MOST_TEXT) -> str:
    if not isinstance(value, str):
        raise _wrong("a text", value)
    if (fault := text_fault(value, most)) is not None:
        raise _FaultError(fault)
    return value


def _truth_value(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong("true or false", value)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong("a whole number", value)
    if not LOWEST <= value <= HIGHEST:
        raise _FaultError("a whole number has more than 64 bits")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong("a number", value)
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise _FaultError("expected a number that a file can hold, and it is none or beyond them")
    return found


_SCALARS: dict[Any, Decoder] = {Any: _any, type(None): _none, str: _text, bool: _truth_value, int: _whole, float: _number}


def _choice_decoder(known: Mapping[Any, Any], words: Sequence[Any]) -> Decoder:
    def decode(value: Any) -> Any:
        try:
            return known[value]
        except (KeyError, TypeError):
            raise _wrong("one of " + ", ".join(map(repr, words)), value) from None

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
        _check_number(value)
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


def _check_number(value: Sequence[Any] | Mapping[str, Any]) -> None:
    if len(value) > MOST_ITEMS:
        raise _FaultError(f"has {len(value)} entries, and {MOST_ITEMS} are the most")


def _mapping_decoder(key_hint: Any, hint: Any) -> Decoder:
    name, inner = _decoder(key_hint), _decoder(hint)

    def decode(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong("an object", value)
        _check_number(value)
        found = {}
        for key, item in value.items():
            try:
                found[name(key)] = inner(item)
            except _FaultError as fault:
                raise fault.within(f".{str(key)[:80]}") from None
        return found

    return decode


def _record_decoder(cls: type) -> Decoder:
    steps = [(name.rstrip("_"), name, _decoder(hint), required) for name, hint, required in _schema(cls)]
    known = {key for key, *_ in steps}

    def decode(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong(f"an object ({cls.__name__})", value)
        if not value.keys() <= known:
            unknown = min(map(str, value.keys() - known))
            raise _FaultError(f"unknown field {shown(unknown)}; known are {', '.join(sorted(known))}")
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
