"""The build folder: ``build.json`` and one append-only JSONL file for each step, inside the folder of the benchmark.

A line is on disk before the next begins; a torn last line is cut off; of several lines about one sample the last counts, and only
while its `input` is still what the line would be made from.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from intergeneval.bench_paths import TOML
from intergeneval.build.records import SCHEMA, BuildHeader, Cut, Decision, Painting, Placing, Proposals, Scene, Touch
from intergeneval.build.rows import needs_boxes
from intergeneval.build.source import Item
from intergeneval.errors import StoreError, UsageError
from intergeneval.ids import canonical_json
from intergeneval.records import Record
from intergeneval.records.disk import read_text
from intergeneval.store import LineFile, locked, merge_shards, open_lock, read_lines, write_atomically

FOLDER = "build"
HEADER = "build.json"
PAINTED = "painted"
"""Folder of the first frames that were painted, inside the build folder."""
STEPS: dict[type[Record], str] = {
    Scene: "scenes.jsonl",
    Painting: "paintings.jsonl",
    Proposals: "proposals.jsonl",
    Placing: "places.jsonl",
    Cut: "cuts.jsonl",
    Touch: "touching.jsonl",
    Decision: "reviews.jsonl",
}
"""Record of a step -> its file."""

L = TypeVar("L", Scene, Painting, Proposals, Placing, Cut, Touch)
Line = Scene | Painting | Proposals | Placing | Cut | Touch
"""A line of a step."""


class BuildFolder:
    """The steps of one build: read when it is opened, appended to from several threads."""

    def __init__(self, out: Path, header: BuildHeader, shard: str = "") -> None:
        """Make the folder, or open the one that is there. Raises UsageError where it holds something else, StoreError.

        `shard` is ``I-of-N`` or empty: shards write files of their own, which a plain build merges.
        """
        self._suffix = f".shard-{shard}" if shard else ""
        self.out = out
        self.root = out / FOLDER
        path = self.root / HEADER
        if path.is_file():
            try:
                text = read_text(path)
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"{path}: cannot be read ({error}); choose another --out") from None
            found = BuildHeader.from_line(text, where=str(path))
            if found.schema != SCHEMA:
                raise UsageError(f"{path}: schema {found.schema} is not {SCHEMA}, which this version reads; choose another --out")
            if found.source != header.source:
                raise UsageError(f"{out}: was built from {found.source}, not from {header.source}; choose another --out")
            self.id = found.id
            self.created, touching, doubting = found.created, found.touching, found.doubting
        else:
            if (out / TOML).exists():
                raise UsageError(f"{out}: holds a benchmark that was not built here; choose another --out")
            self.id, self.created, touching, doubting = header.id, header.created, True, True
        self.header = replace(header, id=self.id, created=self.created, touching=touching, doubting=doubting)
        self._lock = threading.Lock()
        self._files = {cls: LineFile(self._place(cls, self._suffix)) for cls in STEPS}
        self._latest: dict[type[Record], dict[str, Record]] = {}
        self.spent: list[Scene | Placing | Touch] = []
        """Every line that a model was asked for, replaced ones included."""
        self._decisions: dict[str, list[Decision]] = {}

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Hold the folder alone and read its steps. Raises StoreError where another build is writing, RecordError."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = open_lock(self.root / f".lock{self._suffix}")
        except OSError as error:
            raise StoreError(f"{self.root}: cannot be made ({error.strerror})") from None
        with lock:
            if not locked(lock):
                raise StoreError(f"{self.out}: another build is writing here; wait for it, or choose another --out")
            if not self._suffix:
                merge_shards(self.root, (name.removesuffix(".jsonl") for name in STEPS.values()), self.out)
            if not (self._suffix and (self.root / HEADER).is_file()):
                write_atomically(self.root / HEADER, canonical_json(self.header.to_json()) + "\n")
            self._read(Scene)
            self._read(Painting)
            self._read(Proposals)
            self._read(Placing)
            self._read(Cut)
            self._read(Touch)
            path = self.root / STEPS[Decision]
            self._sort(read_lines(path, Decision) if path.is_file() else ())
            try:
                yield
            finally:
                for file in self._files.values():
                    file.close()

    def _place(self, cls: type[Record], suffix: str = "") -> Path:
        return self.root / f"{STEPS[cls].removesuffix('.jsonl')}{suffix}.jsonl"

    def _shards(self, cls: type[Record]) -> list[Path]:
        return sorted(self.root.glob(self._place(cls, ".shard-*").name))

    def _read(self, cls: type[L]) -> None:
        files = [path for path in (self._place(cls), *self._shards(cls)) if path.is_file()]
        lines: list[L] = [line for path in files for line in read_lines(path, cls)]
        self._latest[cls] = {line.sample_id: line for line in lines}
        asked: list[Line] = [*lines]
        self.spent += [line for line in asked if isinstance(line, Scene | Placing | Touch)]

    def line(self, cls: type[L], sample_id: str, wanted: str) -> L | None:
        """Return a sample's line of a step if it was made from `wanted` and stands; what failed is made again."""
        found = self._latest[cls].get(sample_id)
        return found if isinstance(found, cls) and found.input == wanted and found.status != "failed" else None

    def latest(self, cls: type[L], sample_id: str) -> L | None:
        """Return a sample's last line of a step, whatever it was made from."""
        found = self._latest[cls].get(sample_id)
        return found if isinstance(found, cls) else None

    def placing(self, item: Item) -> Placing | None:
        """Return the last line on an item's boxes; None where the list brings a mask for each instance, whatever stood before."""
        scene = self.latest(Scene, item.id)
        return self.latest(Placing, item.id) if scene is None or needs_boxes(item.row, scene.instances) else None

    def add(self, line: Line) -> None:
        """Append a line. Raises StoreError."""
        with self._lock:
            self._files[type(line)].append([line])
            self._latest[type(line)][line.sample_id] = line
            if isinstance(line, Scene | Placing | Touch):
                self.spent.append(line)

    def decide(self, decisions: list[Decision]) -> None:
        """Append decisions of a person, all of a review as one write. Raises StoreError."""
        self._files[Decision].append(decisions)
        self._sort(decisions)

    def decided(self, sample_id: str) -> list[Decision]:
        """Return the decisions about a sample, in their order."""
        return self._decisions.get(sample_id, [])

    def knows_review(self, digest: str) -> bool:
        """Whether a review file of that sha256 was written down before."""
        return any(item.review == digest for found in self._decisions.values() for item in found)

    def _sort(self, decisions: Iterable[Decision]) -> None:
        for item in decisions:
            self._decisions.setdefault(item.sample_id, []).append(item)
