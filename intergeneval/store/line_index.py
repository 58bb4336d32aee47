"""Where the lines about each video stand in the files of a stage, so that a large stage is read video by video.

A stage may be gigabytes of masks, of which a reader wants those of one video at a time. One pass reads from each line only whom
it speaks of; the line itself is decoded, with every check, when it is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar, cast

import msgspec

from intergeneval.errors import RecordError, StoreError
from intergeneval.records import Record
from intergeneval.records.lines import decode_line
from intergeneval.records.packs import LineReader, Place, walk

R = TypeVar("R", bound=Record)

VideoKey = tuple[str, int]
"""Sample id and seed; 0 where lines have none, such as those of questions."""


class _Head(msgspec.Struct):
    """Whom a line speaks of; all else in it is skipped."""

    sample_id: str
    seed: int = 0


class _Stretch(NamedTuple):
    """Lines about one video that follow one another in a file."""

    file: int
    place: Place
    line: int
    """Number of the first, from 1."""


class LineIndex(Generic[R]):
    """The lines of one stage by video, decoded when they are asked for; nothing of them is kept.

    Raises RecordError naming file and line, at once for a line that does not say whom it speaks of, else when it is read.
    """

    def __init__(self, files: Sequence[Path], cls: type[R], *, alike: bool = False) -> None:
        """`alike` says that other folders hold the same lines, such as the questions of one benchmark: each is decoded once."""
        self._files = files
        self._cls = cls
        self._alike = alike
        self._found: dict[VideoKey, list[_Stretch]] = {}
        self._reader = LineReader()
        for place in range(len(files)):
            self._walk(place)

    def __contains__(self, key: VideoKey) -> bool:
        return key in self._found

    def __iter__(self) -> Iterator[VideoKey]:
        return iter(self._found)

    def read(self, key: VideoKey) -> Iterator[R]:
        """Give the records about a video, in the order of the files. Raises RecordError, StoreError."""
        for stretch in self._found.get(key, ()):
            content = self._bytes(stretch)
            known = _shared(cast(Hashable, self._cls), content) if self._alike else None
            yield from self._decoded(content, stretch) if known is None else cast(tuple[R, ...], known)

    def last(self, key: VideoKey, fits: Callable[[R], bool] = lambda _: True) -> R | None:
        """Return the last record about a video that `fits`: it says how it is now. None where there is none. Raises as `read`."""
        return next(iter(deque(filter(fits, self.read(key)), maxlen=1)), None)

    def lines(self, key: VideoKey) -> Iterator[bytes]:
        """Give the lines about a video as they stand in the files, for whoever needs little of each."""
        for stretch in self._found.get(key, ()):
            yield from filter(None, self._bytes(stretch).split(b"\n"))

    def decode(self, line: bytes, key: VideoKey) -> R:
        """Return the record of one of these lines. Raises RecordError."""
        found = decode_line(self._cls, line)
        if found is None:
            # Among all lines about the video it is named by its number.
            list(self.read(key))
            found = self._cls.from_line(line.decode("utf-8", "replace"))
        return cast(R, found)

    def _decoded(self, content: bytes, stretch: _Stretch) -> Iterator[R]:
        path, number = self._files[stretch.file], stretch.line
        for raw in content.split(b"\n"):
            if raw:
                found = decode_line(self._cls, raw)
                yield self._cls.from_line(_text(raw, path), where=f"{path}:{number}") if found is None else cast(R, found)
                number += 1

    def _walk(self, place: int) -> None:
        path, decode = self._files[place], msgspec.json.Decoder(_Head).decode
        number = first = end = 0
        current, begun = ("", 0), Place(0, 0)
        try:
            for raw, at in walk(path):
                if len(raw) <= 1:
                    continue
                number += 1
                try:
                    head = decode(raw)
                    key = head.sample_id, head.seed
                except (msgspec.MsgspecError, UnicodeError, RecursionError):
                    key = _key(self._cls.from_line(_text(raw[:-1], path), where=f"{path}:{number}"))
                # Lines about one video mostly follow one another, and are noted as one stretch.
                if key != current or at.start != end or at.frame != begun.frame:
                    self._add(current, _Stretch(place, begun._replace(end=end), first))
                    current, begun, first = key, at, number
                end = at.end
        except OSError as error:
            raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from None
        self._add(current, _Stretch(place, begun._replace(end=end), first))

    def _add(self, key: VideoKey, stretch: _Stretch) -> None:
        if stretch.place.start < stretch.place.end:
            self._found.setdefault(key, []).append(stretch)

    def _bytes(self, stretch: _Stretch) -> bytes:
        path = self._files[stretch.file]
        try:
            found = self._reader.read(path, stretch.place)
        except OSError as error:
            raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from None
        if not found.endswith(b"\n"):
            raise StoreError(f"{path}: became shorter while it was read; wait for the run that writes it")
        return found


@lru_cache(maxsize=64)
def _shared(cls: Hashable, content: bytes) -> tuple[object, ...] | None:
    """Return the records of some lines, or None where one of them is refused and must be named."""
    found = [decode_line(cast(type, cls), raw) for raw in content.split(b"\n") if raw]
    return None if None in found else tuple(found)


def _text(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: not UTF-8 text ({error.reason}: byte {error.start} of a line)") from None


def _key(record: Record) -> VideoKey:
    return cast(VideoKey, (getattr(record, "sample_id", ""), getattr(record, "seed", 0)))
