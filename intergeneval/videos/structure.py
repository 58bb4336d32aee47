"""Whether a container file is all there: walk its own blocks by the lengths that they state, and read none of them.

A file that was cut between two frames otherwise reads as a shorter video, since its demuxer sees no damage: an mp4 whose download
stopped, a recording whose program died, a GIF of which half was copied.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from intergeneval.ids import open_plain
from intergeneval.videos.gif import gif_damage

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_BLOCK_GROUP, _SIMPLE_BLOCK = 0xA0, 0xA3
_SMALL = {0xE7: 8, 0xA7: 8, 0xAB: 8, 0xBF: 4}
"""Elements of a number (time, position, size of the one before, checksum), and the most bytes it has."""
_ELEMENTS = {
    *(0x1A45DFA3, _SEGMENT, 0x114D9B74, 0x1549A966, 0x1654AE6B, _CLUSTER, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367),
    *(0x5854, 0xAF, 0xEC, _BLOCK_GROUP, _SIMPLE_BLOCK, *_SMALL),
}
"""What stands in a Matroska file, a segment or a cluster (RFC 9559); anything else is not of the container."""
_GROUPED = {0xA1, 0x9B, 0xFA, 0xFB}  # block, duration, priority, reference
_MOST_JUNK = 16 << 20
"""Most bytes behind the last block that are looked through for blocks of frames."""
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"}
_BOXES = {"ftyp", "styp", "moov", "moof", "mdat", "imda", "sidx", "ssix", "emsg", "prft", "pdin", "wide"}
"""Boxes that frames are in, or that stand before them (ISO/IEC 14496-12): where a file ends in one, frames may be missing.
Boxes of other kinds, and what is no box at all, prove nothing of frames."""
_UNFILLED = 0x40000000  # the least number that stands for that of an AVI's frames where its writer cannot go back to fill it in
_UNFINISHED = {0, _UNFILLED, 0x7FFFFFFF, 0xFFFFFFFF}  # what a RIFF size holds while it is written
_FRAME_CHUNK = re.compile(rb"[0-9]{2}[a-z]{2}")


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
    """Whether the container can say of how many frames or how long it should be; a fragmented mp4, a GIF and an AVI that was
    written to a pipe cannot."""


def structure_of(path: Path) -> Structure:
    """Return what can be told of a file by the container that its first bytes name; nothing of others. Raises OSError."""
    end = path.stat().st_size
    with open_plain(path) as stream:
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
        if at + size > end and kind in _BOXES:
            return Structure(trouble=f"the file ends inside its box {kind!r}", at=end, counted=not fragmented)
        if size < 8 or at + size > end:
            if fragmented and _found(stream, b"moof", at):
                return Structure(trouble=f"no box begins at byte {at}", at=at, counted=False)
            break
        at += size
    return Structure(proven=not fragmented, counted=not fragmented)


def _riff(stream: BinaryIO, end: int) -> Structure:
    at = 0
    while at + 12 <= end:
        stream.seek(at)
        head = stream.read(8)
        size = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF":
            return Structure(proven=at > 0)
        if size == 0 or at + 8 + size > end:
            unfinished = size in _UNFINISHED
            if at > 0 and unfinished:
                return Structure()
            chunks = _chunks(stream, end) if at == 0 else Structure()
            # A writer that did not fill in the number of frames did not come to the length either.
            if at == 0 and (unfinished or not chunks.counted):
                return chunks
            return Structure(trouble="the file ends before the length in its header", at=end)
        at += 8 + size + size % 2
    return Structure(proven=True)


def _chunks(stream: BinaryIO, end: int) -> Structure:
    """Walk the chunks of an AVI that does not say how long it is; a demuxer leaves out one that is cut without a word."""
    at, counted, pictures = 12, True, b""
    while at + 8 <= end:
        stream.seek(at)
        head = stream.read(44)
        kind, size = head[:4], int.from_bytes(head[4:8], "little")
        if kind == b"LIST" and head[8:12] in {b"hdrl", b"strl", b"movi", b"rec "}:
            at += 12
            continue
        if kind == b"strh" and head[8:12] == b"vids":
            counted = int.from_bytes(head[40:44], "little") < _UNFILLED
        if _FRAME_CHUNK.fullmatch(kind):
            pictures = kind if kind[2:] in {b"dc", b"db"} else pictures
            if at + 8 + size > end:
                return Structure(trouble="the file ends inside a chunk", at=end, counted=counted)
        elif not kind.isalnum() or at + 8 + size > end:
            if pictures and _found(stream, pictures, at):
                return Structure(trouble=f"no chunk begins at byte {at}", at=at, counted=counted)
            break  # what was put behind the end
        at += 8 + size + size % 2
    stream.seek(at)
    rest = stream.read(8)
    cut = 0 < len(rest) < 8 and pictures.startswith(rest[:4])
    return Structure(trouble="the file ends inside a chunk" if cut else "", at=end if cut else 0, counted=counted)


def _matroska(stream: BinaryIO, end: int) -> Structure:
    """Walk from block to block; inside clusters too, where a demuxer that meets damage goes on at the next one without a word."""
    announced = 0
    for at, kind, size, body in _elements(stream, end):
        if kind not in _ELEMENTS or (size or 0) > _SMALL.get(kind, size or 0):
            if _found(stream, _CLUSTER.to_bytes(4), at) or _blocks_to_the_end(stream, at):
                return Structure(trouble=f"no block begins at byte {at}", at=at)
            break  # what was put behind the end, as zeros or text, is no damage
        if kind == _SEGMENT:
            announced = body + size if size is not None else 0
        elif kind != _CLUSTER and body + (size or 0) > end:
            return Structure(trouble="the file ends inside a block", at=end)
    if announced > end:
        return Structure(trouble="the file ends before the length in its header", at=end)
    return Structure(proven=announced > 0)


def _found(stream: BinaryIO, mark: bytes, at: int) -> bool:
    """Whether `mark` stands anywhere from `at` on."""
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(mark, at) >= 0


def _blocks_to_the_end(stream: BinaryIO, at: int) -> bool:
    """Whether somewhere from `at` on, blocks of frames follow one another up to the last byte, or the first bytes of one."""
    stream.seek(at)
    rest = stream.read(_MOST_JUNK)
    if stream.read(1):
        return True  # too much to tell, and more than anyone puts behind a file
    if any(mark.startswith(rest) for mark in (_CLUSTER.to_bytes(4), bytes([_BLOCK_GROUP]), bytes([_SIMPLE_BLOCK]))):
        return True
    good = {len(rest)}
    for place in range(len(rest) - 1, -1, -1):
        if rest[place] in {_BLOCK_GROUP, _SIMPLE_BLOCK} and _block_end(rest, place) in good:
            good.add(place)
    return len(good) > 1


def _block_end(data: bytes, at: int) -> int:
    """Return where a block of frames ends that may begin at `at`; -1 where what follows cannot be one."""
    length = 9 - data[at + 1].bit_length() if at + 1 < len(data) else 9
    body = at + 1 + length
    if length > 8 or body + 4 > len(data):
        return -1
    # A simple block begins with its track, two bytes of time, and flags of which three are reserved; a group with one of four.
    is_one = data[body] >= 0x80 and not data[body + 3] & 0x70 if data[at] == _SIMPLE_BLOCK else data[body] in _GROUPED
    return body + (int.from_bytes(data[at + 1 : body]) & ((1 << 7 * length) - 1)) if is_one else -1


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
