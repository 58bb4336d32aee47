"""What is complete of the JSON object of a reply that a limit of tokens cut off.

An entry of a list is complete when its closing brace is there; a number at the very end is not, for it may have had more digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from intergeneval.judges.thinking import NotJsonError, spoken
from intergeneval.judges.wrapping import may_begin, strict

_CUT_NUMBER = re.compile(r"[.eE+-]+")


class _CutError(Exception):
    """A text ends in the middle of a JSON value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyObject:
    """The object of a reply, as far as it was written."""

    fields: dict[str, Any]
    """What is complete of it: its fields, and of a list the entries that are closed."""
    cut: bool = False
    """Whether it ends before its closing brace."""
    open: str = ""
    """Name of the list in which it ends, which may have had more entries; empty where it ends elsewhere."""


def begun_object(text: str) -> ReplyObject:
    """Return what is complete of the object of a reply that was cut off.

    Raises ValueError where no object has begun, or where it is damaged before it is cut off.
    """
    said = spoken(text)
    start = said.find("{")
    if start < 0 or not may_begin(text, said, start):
        raise NotJsonError("the reply is cut off before its JSON object begins")
    found: dict[str, Any] = {}
    in_list = ""
    try:
        for name, value, closed in _fields(said, start + 1):
            if name in found:
                raise NotJsonError("an object of the reply has the same name twice")
            found[name] = value
            in_list = "" if closed else name
    except _CutError:
        return ReplyObject(fields=found, cut=True, open=in_list)
    raise NotJsonError("the reply is not one JSON object: it is cut off amid other words")


def _fields(text: str, place: int) -> Iterator[tuple[str, Any, bool]]:
    """Give name and value of what is complete in an object that opens before `place`, and whether it is closed.

    Of a list that is not, the value holds the entries that are. Raises _CutError where the text ends.
    """
    while True:
        name, place = _complete(text, _skip(text, place))
        if not isinstance(name, str):
            raise NotJsonError("the reply is not one JSON object (a name is no text)")
        place = _skip(text, _past(text, place, ":"))
        if text[place] == "[":
            items: list[Any] = []
            try:
                place = _items(text, place + 1, items)
            except _CutError:
                yield name, items, False
                raise
            yield name, items, True
        else:
            value, place = _complete(text, place)
            # A number that ends where the text ends may have had more digits.
            _skip(text, place)
            yield name, value, True
        if text[_skip(text, place)] == "}":
            return
        place = _past(text, place, ",")


def _items(text: str, place: int, items: list[Any]) -> int:
    """Add to `items` what is complete in a list, and return where it ends. Raises _CutError where the text ends before."""
    if text[_skip(text, place)] == "]":
        return _skip(text, place) + 1
    while True:
        value, place = _complete(text, _skip(text, place))
        if not isinstance(value, dict):
            # A number that ends where the text ends may have had more digits; a closed object is whole.
            _skip(text, place)
        items.append(value)
        if text[_skip(text, place)] == "]":
            return _skip(text, place) + 1
        place = _past(text, place, ",")


def _complete(text: str, start: int) -> tuple[Any, int]:
    """Return a value that is written to its end. Raises _CutError where the text ends in it, ValueError where it is damaged."""
    try:
        return strict().raw_decode(text, start)
    except json.JSONDecodeError as error:
        if _runs_out(text, error):
            raise _CutError from None
        raise NotJsonError(f"the reply is not one JSON object ({str(error)[:80]})") from None
    except NotJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"the reply is not one JSON object ({str(error)[:80]})") from None


def _runs_out(text: str, error: json.JSONDecodeError) -> bool:
    rest = text[error.pos :].strip()
    if not rest or error.msg.startswith("Unterminated string") or _CUT_NUMBER.fullmatch(rest):
        return True
    if error.msg.startswith("Invalid \\"):
        return len(text) - error.pos <= len("\\u0000")
    return any(word.startswith(rest) for word in ("true", "false", "null"))


def _skip(text: str, place: int) -> int:
    """Return the place of the next character that is no space. Raises _CutError where there is none."""
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    if place == len(text):
        raise _CutError
    return place


def _past(text: str, place: int, mark: str) -> int:
    place = _skip(text, place)
    if text[place] != mark:
        raise NotJsonError(f"the reply is not one JSON object ({mark!r} is missing)")
    return place + 1
