"""The files of a curation's stages: ``stages/NAME/all.jsonl``, and ``stages/NAME/I-of-N.jsonl`` of shards until they are merged.

Of several lines about one clip the last counts that was made from what it would be made from now. Lines are written a few at a
time: what a kill takes of them is made again, with the same bytes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Set
from pathlib import Path

from intergeneval.errors import StoreError
from intergeneval.store import LineFile, locked, open_lock, read_lines
from intergeneval.store.run_folder import merge_lines
from matrix_train.curate.records import Line

STAGES = "stages"
ALL = "all"
_SECONDS = 1.0
"""How long a line may wait for others before it is written."""
_MOST = 64
"""How many lines may wait."""


class StageLines:
    """The lines of one stage: read at once, appended to by one writer."""

    def __init__(self, folder: Path, shard: str) -> None:
        """`shard` is ``I-of-N`` or empty. Raises StoreError and RecordError for files that cannot be read."""
        self._folder = folder
        self._file = LineFile(folder / f"{shard or ALL}.jsonl")
        self._found: dict[str, dict[tuple[str, int], Line]] = {}
        self._waiting: list[Line] = []
        self._since = 0.0
        self.made = 0
        """Lines added since it was opened."""
        for path in sorted(folder.glob("*.jsonl")):
            for line in read_lines(path, Line):
                self._hold(line)

    def find(self, clip: str, wanted: str, version: int) -> Line | None:
        """Return the line of a clip that was made from `wanted`; None where there is none."""
        return self._found.get(clip, {}).get((wanted, version))

    @property
    def clips(self) -> Set[str]:
        """All clips that have a line, whatever it was made from."""
        return self._found.keys()

    def add(self, line: Line) -> None:
        """Append a line, now or with those that follow within a second. Raises StoreError."""
        self._hold(line)
        self.made += 1
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(line)
        if len(self._waiting) >= _MOST or time.monotonic() - self._since > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Raises StoreError."""
        waiting, self._waiting = self._waiting, []
        self._file.append(waiting)

    def close(self) -> None:
        """Write what waits and close the file. Raises StoreError."""
        try:
            self.flush()
        finally:
            self._file.close()

    def _hold(self, line: Line) -> None:
        self._found.setdefault(line.clip, {})[line.input, line.version] = line


class Folder:
    """A curation's folder: held by one writer, or by several that are shards of it."""

    def __init__(self, out: Path, shard: str) -> None:
        """`shard` is ``I-of-N``, or empty for the whole."""
        self.out = out
        self.shard = shard

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Hold the folder; without a shard, merge what shards wrote. Raises StoreError where another is writing."""
        try:
            (self.out / STAGES).mkdir(parents=True, exist_ok=True)
            lock = open_lock(self.out / f".lock.{self.shard or ALL}")
        except OSError as error:
            raise StoreError(f"{self.out}: cannot be made ({error.strerror})") from None
        with lock:
            if not locked(lock):
                raise StoreError(f"{self.out}: another curation is writing here; wait for it, or choose another --out")
            if not self.shard:
                self._merge()
            yield

    def lines(self, stage: str) -> StageLines:
        """Return the lines of a stage. Raises StoreError, RecordError."""
        folder = self.out / STAGES / stage
        folder.mkdir(parents=True, exist_ok=True)
        return StageLines(folder, self.shard)

    def _merge(self) -> None:
        with contextlib.ExitStack() as held:
            for path in sorted(self.out.glob(".lock.*-of-*")):
                if not locked(held.enter_context(open_lock(path))):
                    raise StoreError(f"{self.out}: shard {path.name.removeprefix('.lock.')} is still being written; wait for it")
            for folder in sorted((self.out / STAGES).iterdir()):
                main, shards = folder / f"{ALL}.jsonl", sorted(folder.glob("*-of-*.jsonl"))
                if shards:
                    merge_lines([*filter(Path.is_file, [main]), *shards], main)
                for path in shards:
                    path.unlink()
