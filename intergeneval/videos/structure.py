"""Whether a container file is all there: walk its own blocks by the lengths that they state, and read none of them.

A file that was cut between two frames otherwise reads as a shorter video, since its demuxer sees no damage: an mp4 whose download
stopped, a recording whose program died, a GIF of which half was copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from intergeneval.videos.gif import gif_damage

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"}
_NO_FRAMES = {"mfra", "free", "skip", "udta", "meta", "uuid"}  # boxes of which no part belongs to a frame
_UNFINISHED = {0, 0xFFFFFFFF}  # what a RIFF size holds while it is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What the lengths of a container's blocks say of the file."""

    trouble: str = ""
    """In one sentence why the file is not all there; empty where it is, or where its container cannot tell."""
    at: int = 0
    """The byte at which the trouble begins; the end of the file where that came too early."""
    proven: bool = False
    """Whether the file states its whole length, and has it."""
    counted: bool = True
    """Whether the container can say of how many frames or how long it should be; a fragmented mp4 and a GIF cannot."""


def structure_of(path: Path) -> Structure:
    """Return what can be told of a file by the container that its first bytes name; nothing of others. Raises OSError."""
    end = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(8)
        if head.startswith(b"GIF8"):
            return Structure(trouble=gif_damage(path), counted=False)
        if head.startswith(b"\x1a\x45\xdf\xa3"):
            return _matroska(stream, end)
        if head.startswith(b"RIFF"):
            return _riff(stream, end)
        return _boxes(stream, end) if head[4:] in _FIRST_BOXES else Structure()


def _boxes(stream: BinaryIO, end: int) -> Structure:
    at, fragmented = 0, False
    while at + 8 <= end:
        stream.seek(at)
        head = stream.read(16)
        size, kind = int.from_bytes(head[:4]), head[4:8].decode("latin-1")
        if size == 1:
            size = int.from_bytes(head[8:16])
        fragmented = fragmented or kind == "moof"
        if size == 0:  # to the end of the file, wherever that is
            return Structure(counted=not fragmented)
        if size < 8 or not kind.isprintable():
            break
        if at + size > end and kind not in _NO_FRAMES:
            return Structure(trouble=f"the file ends inside its box {kind!r}", at=end, counted=not fragmented)
        at += size
    return Structure(proven=not fragmented, counted=not fragmented)


def _riff(stream: BinaryIO, end: int) -> Structure:
    at = 0
    while at + 12 <= end:
        stream.seek(at)
        head = stream.read(8)
        size = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or size in _UNFINISHED:
            return Structure(proven=at > 0 and head[:4] != b"RIFF")
        if at + 8 + size > end:
            return Structure(trouble="the file ends before the length in its header", at=end)
        at += 8 + size + size % 2
    return Structure(proven=True)


def _matroska(stream: BinaryIO, end: int) -> Structure:
    """Walk from block to block; inside clusters too, where a demuxer that meets damage goes on at the next one without a word."""
    announced = 0
    for at, kind, size, body in _elements(stream, end):
        if kind is None:
            return Structure(trouble=f"no block begins at byte {at}", at=at)
        if kind == _SEGMENT:
            announced = body + size if size is not None else 0
        elif kind != _CLUSTER and body + (size or 0) > end:
            return Structure(trouble="the file ends inside a block", at=end)
    if announced > end:
        return Structure(trouble="the file ends before the length in its header", at=end)
    return Structure(proven=announced > 0)


def _elements(stream: BinaryIO, end: int) -> Iterator[tuple[int, int | None, int | None, int]]:
    """Yield (where, kind, size or None for unknown, where its body is); kind None where none begins. Segments are entered."""
    at = 0
    while at < end:
        stream.seek(at)
        head = stream.read(12)
        kind_length = 9 - head[0].bit_length()
        size_length = 9 - head[kind_length].bit_length() if kind_length <= 4 and len(head) > kind_length else 9
        if kind_length > 4 or size_length > 8:
            yield at, None, None, at
            return
        kind, body = int.from_bytes(head[:kind_length]), at + kind_length + size_length
        bits = 7 * size_length
        size: int | None = int.from_bytes(head[kind_length : kind_length + size_length]) & ((1 << bits) - 1)
        if size == (1 << bits) - 1:
            size = None
        yield at, kind, size, body
        if kind == _SEGMENT and size is not None:
            end = min(end, body + size)
        at = body if kind in {_SEGMENT, _CLUSTER} or size is None else body + size
