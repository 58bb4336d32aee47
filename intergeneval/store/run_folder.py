"""The run folder: ``run.json``, one append-only JSONL file for each stage, and ``scores.jsonl``, derived from them.

One line is one item; a line is written and fsync'd before the next begins, so a run that was stopped anywhere goes on by being
run again. A torn last line is cut off when the file is opened for writing and left out when it is read. Order means nothing;
of several lines about one item the last counts. Shards write files of their own (``answers.shard-1-of-4.jsonl``), which a
plain run merges, so that machines sharing a folder never write into one file. The tracks of a large run are packed once they are
there (`intergeneval.records.packs`); who reads them here sees no difference.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Self, TypeVar

from intergeneval.errors import ComparabilityError, RecordError, StoreError, UsageError
from intergeneval.ids import canonical_json
from intergeneval.records import (
    RUN_SCHEMA,
    Answer,
    Comparability,
    Consistency,
    Detections,
    DoubtedMask,
    Grounding,
    Question,
    Record,
    RunHeader,
    Sample,
    Score,
    Stills,
    Tracks,
    Truth,
    Video,
)
from intergeneval.records.disk import MOST_SETTINGS, locked, read_text, replacing, write_all, write_atomically
from intergeneval.records.packs import stage_files, walk
from intergeneval.store.line_index import LineIndex
from intergeneval.store.packing import pack

R = TypeVar("R", bound=Record)

__all__ = [
    "STAGES",
    "LineFile",
    "RunStore",
    "RunWriter",
    "cut_torn_line",
    "locked",
    "merge_shards",
    "open_lock",
    "read_lines",
    "whole_lines",
]

STAGES: dict[str, type[Record]] = {
    "samples": Sample,
    "questions": Question,
    "truth": Truth,
    "stills": Stills,
    "videos": Video,
    "grounding": Grounding,
    "tracks": Tracks,
    "detections": Detections,
    "consistency": Consistency,
    "answers": Answer,
    "scores": Score,
}
"""Stage name -> record of its lines, in the order of the run."""

HEADER = "run.json"
DOUBTS = "doubts.jsonl"
"""What is doubted about the first-frame masks of a run, one line a doubt; absent where nothing is."""
_BLOCK = 1 << 16
_PART = 1000
"""Records whose text is made and written at a time."""
_GEOMETRY = "geometry"
_OWN_MASKS = "the model's own first-frame masks"
_SHARD = re.compile(r"^[1-9]\d*-of-[1-9]\d*$")


class RunStore:
    """One run folder, for reading; `writer` opens it for appending."""

    def __init__(self, folder: Path, header: RunHeader) -> None:
        self.folder = folder
        self.header = header

    @classmethod
    def create(cls, folder: Path, header: RunHeader) -> Self:
        """Make a run folder, or open the one that is there if it was made alike.

        Raises ComparabilityError naming the fields when the folder holds another run, StoreError when it cannot be written.
        """
        with writing(folder):
            if not (folder / HEADER).exists():
                folder.mkdir(parents=True, exist_ok=True)
                write_atomically(folder / HEADER, canonical_json(header.to_json()) + "\n")
                return cls(folder, header)
        found = cls.open(folder)
        _same_run(folder, found.header, header)
        return found

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open an existing run folder. Raises UsageError when it is none, RecordError when its header is damaged."""
        path = folder / HEADER
        try:
            text = read_text(path, MOST_SETTINGS)
        except FileNotFoundError:
            raise UsageError(f"{folder}: not a run folder, {HEADER} is missing or unreadable") from None
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise UsageError(f"{folder}: not a run folder, {HEADER} is missing or unreadable ({why})") from None
        header = RunHeader.from_line(text, where=str(path))
        if header.schema != RUN_SCHEMA:
            raise UsageError(f"{path}: schema {header.schema} is not {RUN_SCHEMA}, which this version reads; run it again")
        return cls(folder, header)

    def read(self, stage: str, cls: type[R]) -> list[R]:
        """Return all records of a stage at once, as `each` gives them."""
        return list(self.each(stage, cls))

    def each(self, stage: str, cls: type[R]) -> Iterator[R]:
        """Give the records of a stage one by one, shards included; an absent file is an empty stage.

        Raises RecordError naming file and line for a line that is not such a record.
        """
        for path in self._files(stage):
            yield from read_lines(path, cls)

    def index(self, stage: str, cls: type[R], *, alike: bool = False) -> LineIndex[R]:
        """Return where the lines about each video stand, to read a large stage video by video; `alike` as in `LineIndex`.

        Raises RecordError.
        """
        return LineIndex(self._files(stage), cls, alike=alike)

    def current_answers(self) -> list[Answer]:
        """Return the answers about the videos as they are now, the last to each question and asking. Raises RecordError.

        Those about the interactions of twins, which count for `contrast` alone, are left out.
        """
        versions = {(item.sample_id, item.seed): item.sha256 for item in self.read("videos", Video)}
        latest = {
            (item.sample_id, item.seed, item.interaction, item.question_id, item.repeat): item
            for item in self.read("answers", Answer)
            if versions.get((item.sample_id, item.seed)) == item.video
        }
        acts = {item.id: len(item.interactions) for item in self.read("samples", Sample)}
        return [item for item in latest.values() if item.interaction < acts.get(item.sample_id, 0)]

    def _files(self, stage: str) -> list[Path]:
        if stage not in STAGES:
            raise KeyError(stage)
        return stage_files(self.folder, stage)

    @contextlib.contextmanager
    def writer(self, shard: str = "") -> Iterator[RunWriter]:
        """Open the folder for appending, alone: a second writer of the same shard is refused with StoreError.

        `shard` is ``I-of-N`` or empty. Torn last lines of this writer's files are cut off first.
        """
        if shard and not _SHARD.match(shard):
            raise UsageError(f"shard {shard!r} is not of the form I-of-N")
        suffix = f".shard-{shard}" if shard else ""
        with writing(self.folder):
            lock = open_lock(self.folder / f".lock{suffix}")
        with lock:
            if not locked(lock):
                raise StoreError(f"{self.folder}: another run is writing here; wait for it, or choose another --out")
            writer = RunWriter(self.folder, suffix)
            try:
                yield writer
            except BaseException:
                # What is being told must not be replaced by the same disk's refusal to close.
                with contextlib.suppress(StoreError):
                    writer.close()
                raise
            writer.close()

    def write_scores(self, scores: Iterable[Score]) -> None:
        """Rewrite ``scores.jsonl`` atomically, in the order given. Raises StoreError."""
        with writing(self.folder), replacing(self.folder / "scores.jsonl") as handle:
            for part in in_parts(scores):
                write_all(handle, "".join(canonical_json(score.to_json()) + "\n" for score in part).encode("utf-8"))

    def pack(self, stage: str) -> None:
        """Pack the lines of a stage, for whoever holds the writer and appends no more to it.

        Killed at any point, it loses and doubles nothing that counts. Raises StoreError when the disk refuses, and RecordError.
        """
        with writing(self.folder):
            pack(self.folder, stage, STAGES[stage])

    def merge_shards(self) -> None:
        """Move the lines of all shard files into the stage files; killed at any point, it loses and doubles nothing that counts.

        The stage file is replaced first and the shard files go afterwards, so a line may stand in both for a moment; lines about
        one item are the same there. Raises StoreError when a shard is still being written.
        """
        merge_shards(self.folder, STAGES, self.folder)


def merge_shards(folder: Path, stages: Iterable[str], told: Path) -> None:
    """Move the lines of all shard files of `stages` into ``<stage>.jsonl``; errors name the folder as the user knows it, `told`.

    Raises StoreError when a shard is still being written.
    """
    with contextlib.ExitStack() as held, writing(told):
        for path in sorted(folder.glob(".lock.shard-*")):
            if not locked(held.enter_context(open_lock(path))):
                raise StoreError(f"{told}: {path.name[6:]} is still being written; wait for it")
        for stage in stages:
            main, shards = folder / f"{stage}.jsonl", sorted(folder.glob(f"{stage}.shard-*.jsonl"))
            if shards:
                merge_lines([*filter(Path.is_file, [main]), *shards], main)
            for path in shards:
                path.unlink()


def open_lock(path: Path) -> IO[bytes]:
    """Open a lock file, made where there is none. Raises OSError also for a pipe, which could be waited for without end."""
    return os.fdopen(_end_of(path), "ab")


def _end_of(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses into StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error})") from None


class LineFile:
    """A JSONL file that grows: each `append` is one write and one fsync, and on disk when it returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def append(self, records: Iterable[Record]) -> None:
        """Append records, after a torn last line was cut off.

        Raises StoreError when the disk refuses, and when the file is no longer the one at its path: what is written to a file
        that was removed or replaced is lost.
        """
        text = "".join(canonical_json(record.to_json()) + "\n" for record in records)
        if not text:
            return
        try:
            if self._handle is None:
                cut_torn_line(self.path)
                self._handle = _end_of(self.path)
            # What is computed into a removed folder costs as much and is gone.
            self._check_there()
            write_all(self._handle, text.encode("utf-8"))
            os.fsync(self._handle)
        except OSError as error:
            # The next append begins by cutting off what this one may have left.
            with contextlib.suppress(OSError):
                self._drop()
            raise StoreError(f"{self.path}: cannot be written ({error.strerror or error})") from None

    def _check_there(self) -> None:
        assert self._handle is not None
        if not os.path.samestat(os.fstat(self._handle), self.path.stat()):
            raise OSError(errno.ESTALE, "it was removed or replaced while it was written")

    def close(self) -> None:
        """Close the file; a later `append` opens it again. Raises StoreError when the disk says only now what it lost."""
        try:
            self._drop()
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written ({error.strerror or error})") from None

    def _drop(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


class RunWriter:
    """Appends records to the stage files of one run folder; each `append` is on disk when it returns."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix
        self._files: dict[str, LineFile] = {}

    def append(self, stage: str, records: Iterable[Record]) -> None:
        """Append records as one write and one fsync. Raises StoreError when the disk refuses."""
        wanted = STAGES[stage]
        given = list(records)
        for record in given:
            if not isinstance(record, wanted):
                raise TypeError(f"stage {stage} holds {wanted.__name__}, not {type(record).__name__}")
        if stage not in self._files:
            self._files[stage] = LineFile(self._folder / f"{stage}{self._suffix}.jsonl")
        self._files[stage].append(given)

    def append_all(self, stage: str, records: Iterable[Record]) -> None:
        """Append many records, so many at a time that their text never is what a run holds most. Raises StoreError."""
        for part in in_parts(records):
            self.append(stage, part)

    def close(self) -> None:
        """Close all files. Raises StoreError, after all were closed, where the disk refuses one."""
        with contextlib.ExitStack() as closing:
            for file in self._files.values():
                closing.callback(file.close)
            self._files.clear()


def in_parts(records: Iterable[R]) -> Iterator[list[R]]:
    """Give records by the `_PART`, for what is written of many."""
    given = iter(records)
    while part := list(islice(given, _PART)):
        yield part


def read_lines(path: Path, cls: type[R]) -> Iterator[R]:
    """Give the records of a JSONL file, a torn last line left out. Raises RecordError naming file and line."""
    for number, line in enumerate(whole_lines(path), start=1):
        yield cls.from_line(line, where=f"{path}:{number}")


def read_doubts(folder: Path) -> tuple[DoubtedMask, ...]:
    """Return the doubts that a run folder holds; none for a run of before masks were doubted. Raises RecordError."""
    place = folder / DOUBTS
    return tuple(read_lines(place, DoubtedMask)) if place.is_file() else ()


def whole_lines(path: Path) -> Iterator[str]:
    """Give the lines that end in a newline, without it: what follows the last newline was torn by a kill."""
    try:
        for raw, _ in walk(path):
            try:
                line = raw[:-1].decode("utf-8")
            except UnicodeDecodeError as error:
                raise RecordError(f"{path}: not UTF-8 text ({error.reason}: byte {error.start} of a line)") from None
            if line:
                yield line
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from None


def merge_lines(sources: Iterable[Path], target: Path) -> None:
    """Write every whole line of the sources once, in order, to `target`, atomically, without holding them all. Raises OSError."""
    seen: set[bytes] = set()
    with replacing(target) as handle:
        for path in sources:
            for line in whole_lines(path):
                raw = line.encode("utf-8")
                digest = hashlib.sha256(raw).digest()
                if digest not in seen:
                    seen.add(digest)
                    write_all(handle, raw + b"\n")


def cut_torn_line(path: Path) -> None:
    """Cut off what follows the last newline, reading backwards: stage files can be large."""
    if not path.is_file():
        return
    with path.open("r+b") as stream:
        end = stream.seek(0, os.SEEK_END)
        while end > 0:
            start = max(end - _BLOCK, 0)
            stream.seek(start)
            newline = stream.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        stream.truncate(end)


def _same_run(folder: Path, found: RunHeader, wanted: RunHeader) -> None:
    differing = list(found.comparability.differences(wanted.comparability))
    other_masks = found.own_masks_hash != wanted.own_masks_hash
    if found.source != wanted.source or (found.source_hash != wanted.source_hash and not other_masks):
        differing.append("source")
    if other_masks:
        differing.append(_OWN_MASKS)
    if found.geometry != wanted.geometry:
        differing = [_GEOMETRY if name == "source" and found.source == wanted.source else name for name in differing]
    if differing:
        mine, theirs = _fields(found.comparability, found), _fields(wanted.comparability, wanted)
        if mine["source"] == theirs["source"]:
            theirs["source"] = f"{wanted.source} with other weights or settings, or at another frame rate"
        if mine[_OWN_MASKS] == theirs[_OWN_MASKS]:
            theirs[_OWN_MASKS] = "the same samples with other pixels"
        said = "; ".join(f"{name}: {mine[name]} there, {theirs[name]} here" for name in differing)
        raise ComparabilityError(f"{folder}: holds another run ({said}); choose another --out or remove the folder")


def _fields(comparability: Comparability, header: RunHeader) -> dict[str, object]:
    own = header.own_masks_text.removeprefix("first-frame masks of its own ") or "none"
    given = header.geometry or "first frames in the shape of the video, stretched where they have another"
    return {**comparability.to_json(), "source": header.source, _OWN_MASKS: own, _GEOMETRY: given}
