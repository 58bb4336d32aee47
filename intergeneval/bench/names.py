"""Names and paths that a benchmark may use: untrusted text on its way to the file system."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

_LONGEST = 150


def id_fault(text: str) -> str | None:
    """Return what is wrong with an id that becomes part of file names, or None when it is fine.

    Spaces, quotes and letters of any script are fine; separators, control characters and names the file system reads
    as a place (``.``, ``..``) are not.
    """
    if not text.strip():
        return "is empty"
    if text != text.strip():
        return f"{text!r} starts or ends with a space"
    if text.startswith("."):
        return f"{text!r} starts with a dot"
    if len(text.encode("utf-8", "surrogatepass")) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    bad = sorted({char for char in text if char in "/\\" or unicodedata.category(char) in ("Cc", "Cs")})
    return f"{text!r} holds {bad[0]!r}, which cannot be part of a file name" if bad else None


def path_fault(text: str, root: Path) -> str | None:
    """Return why `text` is no path of a file inside the benchmark folder `root`, or None when it is fine.

    Does not ask whether the file exists; a link that leads out of `root` is refused.
    """
    if not text.strip():
        return "is empty"
    if "\0" in text or any(unicodedata.category(char) == "Cs" for char in text):
        return f"{text!r} holds a character that no file name can have"
    pure = PurePosixPath(text)
    refusals = (
        ("\\" in text, "holds a backslash; use forward slashes"),
        (pure.is_absolute() or Path(text).is_absolute(), "is absolute; paths are relative to the benchmark folder"),
        (".." in pure.parts, "leaves the benchmark folder"),
    )
    for refused, why in refusals:
        if refused:
            return f"{text!r} {why}"
    try:
        inside = (root / text).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links that point at each other
        return f"{text!r} is a link that leads nowhere"
    return None if inside else f"{text!r} is a link that leaves the benchmark folder"
