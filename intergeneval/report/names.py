"""Names that come from users, made into file names and anchors that no file system or browser trips over."""

from __future__ import annotations

import re
from collections.abc import Iterable

from intergeneval.ids import sha256_bytes, short

_PLAIN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])$", re.IGNORECASE)


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """Return a file name without extension for each id: the id itself where it is plain, else a slug with a hash.

    Names are unique also where the file system ignores case.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for item in ids:
        if item in names:
            continue
        plain = _PLAIN.match(item) and not _RESERVED.match(item) and item.lower() not in taken
        names[item] = item if plain else hashed(item)
        taken.add(names[item].lower())
    return names


def hashed(text: str) -> str:
    """Return a slug of at most 40 letters with eight hex digits of the text's hash."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", text)[:40].strip("-").lower()
    return f"{slug or 'x'}-{short(sha256_bytes(text.encode('utf-8', 'surrogatepass')))}"
