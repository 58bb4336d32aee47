"""Files of lines and packs of lines: the one place that knows how the lines of a stage lie on disk.

A stage is a file of lines, ``tracks.jsonl``, and before it in order any packs, ``tracks.pack-00001.jsonl.zst``: lines to which
none are added, compressed so that one of them is read without the others. A pack is a file of Zstandard frames with some lines
each. Before every frame stands a skippable one of twelve bytes that tells how long it is: a reader finds any frame, and
``zstd -dc`` prints the lines. What lies in a pack is bounded and checked like any file of somebody else.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from intergeneval.errors import RecordError
from intergeneval.ids import open_plain
from intergeneval.records.disk import MOST_BYTES, lines_of, replacing, write_all

_NAME = re.compile(r"\.pack-(\d{5,9})\.jsonl\.zst$")
_SKIPPED = struct.Struct("<III")
"""Magic number of a skippable frame, length of what follows in it, and that: the length of the frame after it."""
_MAGIC = 0x184D2A50
_FRAME_BYTES = 256 << 10
"""Text after which a frame ends: enough to be small, and unpacked in a fraction of a millisecond."""
_LEVEL = 3


class Place(NamedTuple):
    """Where lines stand that follow one another in a file."""

    start: int
    """Byte at which the first begins, in the file or in what its frame unpacks to."""
    end: int
    """Byte after the last."""
    frame: tuple[int, int] | None = None
    """Byte at which the frame begins and its length, in a pack; None in a file of lines."""


def stage_files(folder: Path, stage: str) -> list[Path]:
    """Return the files of a stage that are there: packs, lines, shards. What stands in a later one replaces what is before it."""
    packs = sorted((path for path in folder.glob(f"{stage}.pack-*.jsonl.zst") if is_pack(path)), key=_number)
    others = (folder / f"{stage}.jsonl", *sorted(folder.glob(f"{stage}.shard-*.jsonl")))
    return [path for path in (*packs, *others) if path.is_file()]


def is_pack(path: Path) -> bool:
    """Whether a file is a pack, by its name."""
    return _NAME.search(path.name) is not None


def next_pack(folder: Path, stage: str) -> Path:
    """Return the name of the pack that follows those of a stage."""
    last = max((_number(path) for path in folder.glob(f"{stage}.pack-*.jsonl.zst") if is_pack(path)), default=0)
    return folder / f"{stage}.pack-{last + 1:05d}.jsonl.zst"


def write_pack(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines, each with its end, as a pack that is there whole or not at all. Raises OSError."""
    import zstandard

    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with replacing(path) as handle:
        for part in _frames(lines):
            frame = compressor.compress(part)
            write_all(handle, _SKIPPED.pack(_MAGIC, 4, len(frame)) + frame)


def walk(path: Path) -> Iterator[tuple[bytes, Place]]:
    """Give every line of a file or pack that has its end, empty ones too, and where it stands; a torn last line is left out.

    Raises OSError, and RecordError for a pack that is damaged.
    """
    if not is_pack(path):
        at = 0
        for raw in lines_of(path):
            if not raw.endswith(b"\n"):
                return
            yield raw, Place(at, at + len(raw))
            at += len(raw)
        return
    with open_plain(path) as stream:
        while (frame := _next_frame(stream, path)) is not None:
            text, at = _unpacked(stream, frame, path), 0
            while at < len(text):
                end = text.index(b"\n", at) + 1
                yield text[at:end], Place(at, end, frame)
                at = end


class LineReader:
    """Reads lines of files and packs where `walk` found them; the frame that was unpacked last is kept."""

    def __init__(self) -> None:
        self._last: tuple[Path, tuple[int, int], bytes] | None = None

    def read(self, path: Path, place: Place) -> bytes:
        """Return the bytes at a place; fewer where the file became shorter. Raises OSError and RecordError as `walk` does."""
        if place.frame is None:
            with open_plain(path) as stream:
                stream.seek(place.start)
                return stream.read(place.end - place.start)
        # A name of its own: another thread may read another frame meanwhile.
        last = self._last
        if last is None or last[:2] != (path, place.frame):
            with open_plain(path) as stream:
                stream.seek(place.frame[0])
                last = self._last = (path, place.frame, _unpacked(stream, place.frame, path))
        return last[2][place.start : place.end]


def _number(path: Path) -> int:
    found = _NAME.search(path.name)
    assert found is not None
    return int(found[1])


def _frames(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Give the text of each frame."""
    part = bytearray()
    for line in lines:
        if part and len(part) + len(line) > MOST_BYTES:
            # A frame is read as long as a line may be, and no longer.
            yield bytes(part)
            part.clear()
        part += line
        if len(part) >= _FRAME_BYTES:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def _next_frame(stream: BinaryIO, path: Path) -> tuple[int, int] | None:
    """Return where the next frame begins and its length, read up to there; None at the end of the file."""
    head = stream.read(_SKIPPED.size)
    if not head:
        return None
    magic, following, length = _SKIPPED.unpack(head) if len(head) == _SKIPPED.size else (0, 0, 0)
    if magic != _MAGIC or following != 4 or not 0 < length <= MOST_BYTES:
        raise _damaged(path, "a frame does not say how long it is")
    return stream.tell(), length


def _unpacked(stream: BinaryIO, frame: tuple[int, int], path: Path) -> bytes:
    """Return the text of the frame at which the file is; whole lines."""
    import zstandard

    content = stream.read(frame[1])
    try:
        size = zstandard.frame_content_size(content)
        if not 0 < size <= MOST_BYTES:
            raise _damaged(path, f"a frame of {size} bytes")
        text = zstandard.ZstdDecompressor().decompress(content, max_output_size=MOST_BYTES, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _damaged(path, str(error)) from None
    if not text.endswith(b"\n"):
        raise _damaged(path, "a frame that ends within a line")
    return text


def _damaged(path: Path, what: str) -> RecordError:
    way_out = "copy it again, or remove it: the command that made it makes anew what it held"
    return RecordError(f"{path}: a damaged pack of lines ({what}); {way_out}")
