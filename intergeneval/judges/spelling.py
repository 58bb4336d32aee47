"""One value in several spellings: words, numbers and labels of a reply that can mean one thing only.

A spelling is read where nothing has to be guessed; what could mean two things, or nothing that was asked about, is None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

_LETTERS = re.compile(r"[a-z]+")
_ORNAMENT = re.compile(r"[\s\"'`*“”‘’(]*[a-z](?:[\s\"'`*“”‘’().,:;_–—-]|[a-z])*[!]?[\"'`*“”‘’\s]*")
"""Letters amid signs that change nothing: neither a question mark nor an exclamation mark before a word is among them."""
_EDGES = " \t\r\n[]()\"'`*"
_LABEL = re.compile(r"(?:(?:question|q)[\s.:#_\[(-]*|#)?([0-9]+\.[0-9]+)", re.IGNORECASE)
_SHORT = re.compile(r"(?:question|q)[\s.:#_\[(-]*([0-9]{1,6})", re.IGNORECASE)


def word(value: Any, known: Iterable[str]) -> str | None:
    """Return which of the `known` words a value is, whatever its case and punctuation: ``Yes.`` is ``yes``."""
    if not isinstance(value, str) or len(value) > 200 or _ORNAMENT.fullmatch(value.lower()) is None:
        return None
    letters = _LETTERS.findall(value.lower())
    found = [name for name in known if _LETTERS.findall(name.lower()) == letters]
    return found[0] if len(found) == 1 else None


def whole(value: Any, noun: str) -> int | None:
    """Return the whole number that a value is: 5, 5.0, ``5``, ``[5]`` or, with `noun` frame, ``Frame 5``. True is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    if not isinstance(value, str) or len(value) > 40:
        return None
    found = re.fullmatch(rf"(?:{noun}[\s:#_\[(]*|#)?([0-9]{{1,9}})(?:\.0+)?", _inner(value), re.IGNORECASE)
    return int(found.group(1)) if found is not None else None


def labels(names: Sequence[Any], expected: Sequence[str], *, partial: bool) -> list[str | None]:
    """Return which expected label each of `names` is; labels look like ``0.7``, and a name like ``[0.7]`` or ``Question 0.7``.

    A number is the label of that value, where there is one only: 0.1 is ``0.1`` or ``0.10`` where both are asked about. The short
    ``q7`` is ``0.7`` only where all names together, read so, are the expected ones, each once (of a `partial` reply: the first of
    them, in order); otherwise somebody may have counted from 0, or the questions of that request.
    """
    found = [_label(name, expected) for name in names]
    ids = _short_ids(expected)
    if not ids or not any(isinstance(name, str) and _SHORT.fullmatch(_inner(name)) for name in names):
        return found
    guess = [full if full is not None else _short(name, ids) for full, name in zip(found, names, strict=True)]
    fits = sorted(map(str, guess)) == sorted(expected) or (partial and guess == list(expected[: len(guess)]))
    return guess if fits else found


def _inner(text: str) -> str:
    """Return a text without what may stand around it; a dot before a number belongs to it."""
    return text.strip(_EDGES).rstrip(_EDGES + ".:")


def _label(name: Any, expected: Sequence[str]) -> str | None:
    if isinstance(name, float):
        same = [label for label in expected if _LABEL.fullmatch(label) and float(label) == name]
        return same[0] if len(same) == 1 else None
    if not isinstance(name, str):
        return None
    if name in expected:
        return name
    found = _LABEL.fullmatch(_inner(name)) if len(name) <= 40 else None
    return found.group(1) if found is not None and found.group(1) in expected else None


def _short_ids(expected: Sequence[str]) -> dict[int, str]:
    """Return the labels by question id, where all are of one interaction and in the order of their ids; else nothing."""
    parts = [label.split(".") for label in expected]
    if any(len(part) != 2 or not (part[0].isdigit() and part[1].isdigit()) for part in parts):
        return {}
    ids = [int(part[1]) for part in parts]
    if len({part[0] for part in parts}) != 1 or ids != sorted(set(ids)):
        return {}
    return dict(zip(ids, expected, strict=True))


def _short(name: Any, ids: dict[int, str]) -> str | None:
    found = _SHORT.fullmatch(_inner(name)) if isinstance(name, str) and len(name) <= 40 else None
    return ids.get(int(found.group(1))) if found is not None else None
