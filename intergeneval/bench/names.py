"""Names and paths that a benchmark may use: untrusted text on its way to the file system."""

from __future__ import annotations

from pathlib import Path

from intergeneval.records.limits import id_fault, inside_fault

__all__ = ["id_fault", "path_fault"]


def path_fault(text: str, root: Path) -> str | None:
    """Return why `text` is no path of a file inside the benchmark folder `root`, or None when it is fine.

    Does not ask whether the file exists; a link that leads out of `root` is refused.
    """
    if not text.strip():
        return "is empty"
    if "\\" in text:
        return f"{text!r} holds a backslash; use forward slashes"
    if fault := inside_fault(text, "the benchmark folder"):
        return fault
    try:
        inside = (root / text).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links that point at each other
        return f"{text!r} is a link that leads nowhere"
    return None if inside else f"{text!r} is a link that leaves the benchmark folder"
