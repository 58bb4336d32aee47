"""What a record may hold: bounds of texts, numbers, lists and nesting, and the kinds of text that become parts of file names.

Records come from folders and files of other people. A bound stands here once and holds for every record, so that no file can make
a command slow, large or write elsewhere; each lies far beyond what a run writes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

MOST_TEXT = 1 << 20
"""Characters of a text: a prompt or a reason has hundreds."""
MOST_COUNTS = 1 << 24
"""Characters of a mask's run-length counts: noise over 8192x8192 pixels takes fewer than two for three pixels and is no mask."""
MOST_ITEMS = 1 << 20
"""Entries of a list or an object: frames of a video, scores of a run."""
DEEPEST = 12
"""Levels of lists and objects inside a field that holds plain JSON values, such as `usage`."""
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
"""Whole numbers: what 64 bits hold, which is what every table, database and library behind a run can take."""
MOST_PIXELS = 1 << 26
"""Height times width of a picture."""
MOST_FRAMES = 10_000_000
"""Frames of a video: two weeks at eight a second."""
MOST_MEASURE = 1_000_000
"""A score, up or down: ours lie between -4 and 1, those of other suites may be percent."""

LONGEST_ID = 150
"""Bytes of an id, in UTF-8."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field holds beyond its plain type; stands in the type as ``Annotated[str, Kind(...)]``."""

    name: str
    """What a reader of the schema is told."""
    fault: Callable[[Any], str | None]
    """Returns what is wrong with a value, or None."""
    pattern: str = ""
    """Regular expression that only texts without fault match, so that most need no further look; empty: none."""
    most: int = MOST_TEXT
    """Characters of a text at most."""
    between: tuple[int, int] | None = None
    """Lowest and highest of whole numbers that are without fault; None: every one must be looked at."""


def id_fault(text: str) -> str | None:
    """Return what is wrong with an id that becomes part of file names, or None when it is fine.

    Spaces, quotes and letters of any script are fine; separators, control characters and names the file system reads
    as a place (``.``, ``..``) are not.
    """
    if not text.strip():
        return "is empty"
    if text != text.strip():
        return f"{text!r:.80} starts or ends with a space"
    if text.startswith("."):
        return f"{text!r:.80} starts with a dot"
    if len(text) > LONGEST_ID or len(text.encode("utf-8", "surrogatepass")) > LONGEST_ID:
        return f"is longer than {LONGEST_ID} bytes"
    bad = sorted({char for char in text if char in "/\\" or unicodedata.category(char) in ("Cc", "Cs")})
    return f"{text!r} holds {bad[0]!r}, which cannot be part of a file name" if bad else None


def inside_fault(text: str, folder: str = "its folder") -> str | None:
    """Return why a path does not stay inside the folder that it is relative to, as far as its words tell; None when it does.

    Links are looked at by whoever opens it.
    """
    if "\0" in text or any(unicodedata.category(char) == "Cs" for char in text):
        return f"{text!r:.80} holds a character that no file name can have"
    pure = PurePosixPath(text)
    if pure.is_absolute() or Path(text).is_absolute():
        return f"{text!r:.80} is absolute; paths are relative to {folder}"
    return f"{text!r:.80} leaves {folder}" if ".." in pure.parts else None


def text_fault(text: str, most: int = MOST_TEXT) -> str | None:
    """Return why a text cannot be kept, or None when it can: it is too long, or no file can hold it."""
    if len(text) > most:
        return f"has {len(text)} characters, and {most} are the most"
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return f"{text!r:.80} holds half of a character (a lone surrogate)"
    return None


def size_fault(size: tuple[int, int]) -> str | None:
    """Return why two numbers are not height and width of a picture that can be read, or None."""
    if min(size) < 0:
        return f"{list(size)} is no size"
    return f"{size[1]}x{size[0]} is more than {MOST_PIXELS} pixels" if size[0] * size[1] > MOST_PIXELS else None


def frame_fault(number: int) -> str | None:
    """Return why a number is no count of frames or index of one, or None."""
    return None if 0 <= number <= MOST_FRAMES else f"{number} is not between 0 and {MOST_FRAMES}"


def measure_fault(number: float) -> str | None:
    """Return why a number is no score on any scale, or None."""
    return None if abs(number) <= MOST_MEASURE else f"{number} is not between {-MOST_MEASURE} and {MOST_MEASURE}"


def json_fault(value: Any, depth: int = DEEPEST) -> str | None:
    """Return what is wrong with a plain JSON value by the bounds above, or None."""
    if not isinstance(value, dict | list | tuple):
        return _scalar_fault(value)
    if not depth:
        return "is nested too deeply"
    if len(value) > MOST_ITEMS:
        return f"has {len(value)} entries, and {MOST_ITEMS} are the most"
    inner = [*value, *value.values()] if isinstance(value, dict) else value
    return next((fault for item in inner if (fault := json_fault(item, depth - 1)) is not None), None)


def _scalar_fault(value: Any) -> str | None:
    if isinstance(value, str):
        return text_fault(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no number that JSON can hold"
    wide = isinstance(value, int) and not LOWEST <= value <= HIGHEST
    return "a whole number has more than 64 bits" if wide else None


_ID_PATTERN = r"\A(?![.\s])(?:[^/\\\x00-\x1f\x7f-\x9f]{1,37}|[^/\\\x00-\x1f\x7f-\U0010ffff]{1,150})(?<!\s)\Z"
_INSIDE_PATTERN = r"\A(?!/)(?:(?!\.\.)[^\x00])*\Z"

Id = Annotated[str, Kind("id", lambda text: (fault := id_fault(text)) and f"the id {fault}", _ID_PATTERN, LONGEST_ID)]
"""Name of a sample or an instance: it becomes part of file names."""
Inside = Annotated[str, Kind("path", lambda text: (fault := inside_fault(text)) and f"the path {fault}", _INSIDE_PATTERN, 4096)]
"""Path of a file inside the folder that the record speaks of; empty where there is none."""
BenchFile = Annotated[
    str,
    Kind(
        "path",
        lambda text: (fault := inside_fault(text, "the benchmark folder")) and f"the path {fault}",
        _INSIDE_PATTERN,
        4096,
    ),
]
"""Path of a file of a benchmark, relative to it."""
Counts = Annotated[str, Kind("counts", lambda _: None, most=MOST_COUNTS)]
"""COCO run-length counts of a mask."""
Size = Annotated[tuple[int, int], Kind("size", size_fault, between=(0, 1 << 13))]
"""Height and width of a picture, in pixels."""
Frames = Annotated[int, Kind("frames", frame_fault, between=(0, MOST_FRAMES))]
"""A number of frames, or the index of one."""
Measure = Annotated[float, Kind("measure", measure_fault, between=(-MOST_MEASURE, MOST_MEASURE))]
"""A score, or an end of its bounds: with room for any scale, and small enough that its square is a number."""
