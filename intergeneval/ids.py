"""Canonical JSON, content hashes and stable ids: equal inputs give equal bytes on every machine.

Non-finite floats are refused: a NaN that reaches a file is a missing value in disguise.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, Sequence["Json"], Mapping[str, "Json"], None]

_CHUNK = 1 << 20


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

    return json.loads(text, parse_constant=other, parse_float=number)


def sha256_bytes(content: bytes) -> str:
    """Return the sha256 of `content` as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_json(value: Any) -> str:
    """Return the sha256 of the canonical JSON of `value` as 64 hex digits."""
    return sha256_bytes(canonical_json(value).encode("utf-8", "surrogatepass"))


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hex digits, read in pieces of 1 MiB. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def short(digest: str, length: int = 8) -> str:
    """Return the first `length` hex digits of a digest, for names that people read."""
    return digest[:length]
