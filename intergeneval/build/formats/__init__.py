"""Formats of other tools, in and out: annotated pictures and videos, prompt suites, and datasets of the Hugging Face library.

Every layout is a module with `read` and `write`. What is read is a `Clip` each: who is seen in which frame, as a Tracks record of
the one mask reader (`masks.track_records`); `benchmark` makes a folder of our own out of clips, and clips out of one. Files are
other people's: they are bounded (`records/disk`, `records/limits`), and what they name stays inside the folder of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from intergeneval.build.formats.clip import Clip, Pictures

READERS: Mapping[str, str] = {
    "coco": "coco",
    "youtube-vis": "youtube_vis",
    "davis": "palette",
    "sa-v": "sav",
    "cvat": "cvat",
    "label-studio": "label_studio",
    "hf": "hf",
}
"""Layout of annotated pictures and videos -> the module that knows it."""


def reader(layout: str) -> Callable[[Path, Pictures], Sequence[Clip]]:
    """Return what reads a layout into clips. Raises KeyError."""
    found: Callable[[Path, Pictures], Sequence[Clip]] = import_module(f"intergeneval.build.formats.{READERS[layout]}").read
    return found


def writer(layout: str) -> Callable[[Sequence[Clip], Path], None]:
    """Return what writes clips in a layout. Raises KeyError."""
    found: Callable[[Sequence[Clip], Path], None] = import_module(f"intergeneval.build.formats.{READERS[layout]}").write
    return found


__all__ = ["READERS", "Clip", "Pictures", "reader", "writer"]
