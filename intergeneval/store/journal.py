"""Lines that a judge keeps beside a run about what it waits for: one file a writer, as for the stages of a run folder.

A plain run reads its own file and those of all shards, and no shard writes at that time; a shard reads all and changes nothing
that is another's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from intergeneval.records import Record
from intergeneval.store.run_folder import LineFile, whole_lines


class RunJournal:
    """The file ``batches.jsonl`` of a run folder, or ``batches.shard-I-of-N.jsonl``, and scratch files beside it."""

    def __init__(self, folder: Path, shard: str = "") -> None:
        self._folder = folder
        self._shard = shard
        self._suffix = f".shard-{shard}" if shard else ""
        self._file = LineFile(folder / f"batches{self._suffix}.jsonl")
        for left in folder.glob(f".batch{self._suffix}-*.part"):
            left.unlink(missing_ok=True)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def read(self) -> list[Iterator[tuple[str, str, bool]]]:
        """Give the lines of each file, with their place and whether what they speak of may be gone on with here.

        Raises RecordError for what is no text.
        """
        return [self._lines(path) for path in sorted(self._folder.glob("batches*.jsonl"))]

    def _lines(self, path: Path) -> Iterator[tuple[str, str, bool]]:
        mine = not self._shard or path == self.path
        for number, line in enumerate(whole_lines(path), start=1):
            yield line, f"{path}:{number}", mine

    def append(self, record: Record) -> None:
        """Write a line; it is on disk when this returns. Raises StoreError."""
        self._file.append([record])

    def scratch(self, name: str) -> Path:
        """Return a file to write to for a while; the next run removes it."""
        return self._folder / f".batch{self._suffix}-{name}.part"

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        self._file.close()
