"""What a server writes, made safe to keep: text without what no file or terminal takes, numbers within what they can mean."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

MOST_TOKENS = 10**9
"""Most tokens that one reply is believed to have taken."""
_DIGITS = 18
"""Digits beyond which a whole number of a reply is nothing that could be counted."""
_LINES = frozenset("\n\t")
_DIRECTIONS = frozenset(map(chr, (*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_UNSAFE = frozenset({"Cc", "Cs"})


def load(content: bytes) -> Any:
    """Return the JSON value of a reply. Raises ValueError or RecursionError for what is none.

    What stands beside the answer cannot spoil it: bytes that are no UTF-8, raw control characters in texts, and numbers of
    thousands of digits (None here) are no reason to lose what was paid for.
    """
    try:
        return json.loads(content, strict=False, parse_int=_whole, parse_constant=lambda _: None)
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace").removeprefix("\ufeff")
        return json.loads(text, strict=False, parse_int=_whole, parse_constant=lambda _: None)


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


def printable(text: str) -> str:
    """Return a text that every file and terminal takes: control characters, halves of pairs and turns of direction replaced."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if _unsafe(character) else character for character in text)


def _unsafe(character: str) -> bool:
    return character in _DIRECTIONS or (character not in _LINES and unicodedata.category(character) in _UNSAFE)


def one_line(text: Any, most: int) -> str:
    """Return a name of a server on one line and at most `most` characters long; empty for what is no text."""
    # Cut first, generously: a name of megabytes need not be looked at as a whole.
    return printable(" ".join(text[: 8 * most].split()) if not _plain(text) else text)[:most] if isinstance(text, str) else ""


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def count(value: Any) -> int:
    """Return a number of tokens; 0 for what cannot be one, which then counts as not said."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _DIGITS:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_TOKENS else 0
