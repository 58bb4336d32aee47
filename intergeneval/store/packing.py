"""Packs the lines of a stage that is complete, so that a large run folder is small and still read video by video."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from intergeneval.records import Record
from intergeneval.records.packs import is_pack, next_pack, stage_files, write_pack
from intergeneval.store.line_index import LineIndex

PACK_BYTES = 128 << 20
"""Text after which a pack ends and another begins: a few megabytes on disk, which any store takes and a retry sends again."""


def pack(folder: Path, stage: str, cls: type[Record]) -> None:
    """Move the lines of ``<stage>.jsonl`` into packs; killed at any point, it loses and doubles nothing that counts.

    Packs are there, whole, before the lines go; what a kill left in both is packed once. Nobody may write to the stage meanwhile.
    Raises OSError, and RecordError for a damaged line.
    """
    lines = folder / f"{stage}.jsonl"
    if not lines.is_file():
        return
    given = _unpacked(LineIndex([lines], cls), LineIndex([*filter(is_pack, stage_files(folder, stage))], cls))
    for first in given:
        write_pack(next_pack(folder, stage), chain([first], _some(given, PACK_BYTES - len(first))))
    lines.unlink()


def _unpacked(fresh: LineIndex[Record], packed: LineIndex[Record]) -> Iterator[bytes]:
    """Give the lines about each video, but where the last that are packed about it are the same."""
    for key in fresh:
        mine = list(fresh.lines(key))
        if list(packed.lines(key))[-len(mine) :] != mine:
            yield from (line + b"\n" for line in mine)


def _some(lines: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Give lines until they come to so many bytes."""
    while most > 0 and (line := next(lines, None)) is not None:
        most -= len(line)
        yield line
