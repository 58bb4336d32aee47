"""Canonical JSON, content hashes and stable ids: equal inputs give equal bytes on every machine.

Non-finite floats are refused: a NaN that reaches a file is a missing value in disguise.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, Sequence["Json"], Mapping[str, "Json"], None]

_CHUNK = 1 << 20
_MOST_DIGITS = 400
"""Digits of a whole number in JSON text; a float has at most 309 before its point."""
_MOST_NESTED = 64
"""Levels of lists and objects in JSON text that is read."""


def few(names: Sequence[str], most: int) -> str:
    """Return names for a message: at most so many of them, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no spaces: one text for one value.

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def strict_json(text: str | bytes, instead: Callable[[str], Any] | None = None) -> Any:
    """Return what JSON text holds; `instead` makes what stands in the place of NaN, an infinity or a number beyond all floats.

    Raises ValueError for text that is not JSON, and without `instead` for those numbers too: JSON has none of them.
    """

    def other(word: str) -> Any:
        if instead is None:
            raise ValueError(f"{word:.40} is no number that JSON can hold")
        return instead(word)

    def number(word: str) -> Any:
        value = float(word)
        return value if math.isfinite(value) else other(word)

    return bounded_json(text, parse_constant=other, parse_float=number)


def bounded_json(text: str | bytes, **options: Any) -> Any:
    """Return what JSON text holds, by `json.loads`. Raises ValueError for what is not JSON, and for what no reader here can take.

    That is a number that no integer type can hold, and lists and objects so deep that going through them would fail.
    """
    try:
        found = json.loads(text, parse_int=_whole, **{"parse_constant": _no_constant, **options})
    except RecursionError:
        raise ValueError("its lists and objects are nested too deeply") from None
    if _too_deep(found):
        raise ValueError("its lists and objects are nested too deeply")
    return found


def _whole(word: str) -> int:
    # Longer ones take quadratic time to read, and Python refuses to print them.
    if len(word) > _MOST_DIGITS:
        raise ValueError(f"a whole number of {len(word)} digits is more than anything counts")
    return int(word)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number that JSON can hold")


def _too_deep(value: Any) -> bool:
    """Whether lists and objects nest deeper than anything that is written; by level, since a recursion would not get there."""
    level = [value]
    for _ in range(_MOST_NESTED):
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def sha256_bytes(content: bytes) -> str:
    """Return the sha256 of `content` as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_json(value: Any) -> str:
    """Return the sha256 of the canonical JSON of `value` as 64 hex digits."""
    return sha256_bytes(canonical_json(value).encode("utf-8", "surrogatepass"))


def sha256_json_beside(items: Iterable[Any], beside: Any) -> str:
    """Return `sha256_json` of ``[list(items), beside]``, with one item at a time in memory."""
    digest, first = hashlib.sha256(b"[["), True
    for item in items:
        digest.update(("" if first else ",").encode() + canonical_json(item).encode("utf-8", "surrogatepass"))
        first = False
    digest.update(f"],{canonical_json(beside)}]".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def open_plain(path: Path) -> BinaryIO:
    """Open a plain file for reading. Raises OSError also for a pipe or a device: some never end, and some never begin."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "neither a file nor a folder, but a pipe or a device", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hex digits, read in pieces of 1 MiB. Raises OSError."""
    digest = hashlib.sha256()
    with open_plain(path) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def short(digest: str, length: int = 8) -> str:
    """Return the first `length` hex digits of a digest, for names that people read."""
    return digest[:length]
