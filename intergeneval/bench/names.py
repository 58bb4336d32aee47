"""Names and paths that a benchmark may use: untrusted text on its way to the file system."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

from intergeneval.records.limits import id_fault

__all__ = ["id_fault", "path_fault"]


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
