"""The folder of an analysis: what it holds, how it is resumed, and how tables are written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow  # noqa: F401  # pandas writes Parquet with it, and would miss it only after hours of work

from intergeneval.errors import ConfigError, StoreError
from intergeneval.ids import sha256_json
from intergeneval.records import Record
from intergeneval.records.disk import growing, read_text, write_atomically
from matrix_train.analysis.scoring import ScoredVideo

HEADER = "analysis.json"
MAY_CHANGE = (
    "config.layers",
    "config.page",
    "config.maps.keep",
    "config.video.seeds",
    "config.model",
    "command",
    "versions",
    "commit",
)
"""What a resumed analysis may set anew: none of it moves a score that is there."""
_PLAIN = re.compile(r"[\w-][\w.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Record):
    """One analysed video; the file with this record is written last."""

    sample_id: str
    """The sample, or the clip."""
    seed: int
    """The seed; 0 for clips."""
    sha256: str
    """Hash of the video file; empty for clips."""
    notes: tuple[str, ...]
    """What is left out."""


class Folder:
    """Paths inside the folder of an analysis, and its records."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, header: Mapping[str, Any]) -> None:
        """Begin, or go on where the header agrees. Raises ConfigError for an analysis of something else, StoreError."""
        path = self.root / HEADER
        if path.is_file():
            try:
                before = json.loads(read_text(path))
            except ValueError as error:
                raise StoreError(f"{path}: is damaged ({error}); give --out another folder") from None
            for name in _differences(before, json.loads(json.dumps(header))):
                if not any(name == free or name.startswith(f"{free}.") for free in MAY_CHANGE):
                    raise ConfigError(f"{self.root}: holds an analysis with another {name}; give --out another folder")
        elif self.root.exists() and any(self.root.iterdir()):
            raise ConfigError(f"{self.root}: holds other files and no {HEADER}; give --out a new folder")
        try:
            for name in ("records", "aas", "heads", "places", "head-places", "maps", "means", "plots", "overlays"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.root}: cannot be made ({error.strerror})") from None
        write_text(path, json.dumps(header, indent=1, sort_keys=True) + "\n")

    def video(self, sample_id: str, seed: int) -> Path:
        """Return where a video lies: as `intergeneval run --model OUT/videos` looks for it."""
        return self.root / "videos" / _plain(sample_id) / f"{seed}.mp4"

    def place(self, what: str, sample_id: str, seed: int, suffix: str) -> Path:
        """Return the path of one video's file of a kind."""
        return self.root / what / f"{_plain(sample_id)}-{seed}{suffix}"

    def done(self, sample_id: str, seed: int) -> Done | None:
        """Return the record of a video that is scored, or None."""
        path = self.place("records", sample_id, seed, ".json")
        return Done.from_line(read_text(path), where=str(path)) if path.is_file() else None

    def finish(self, done: Done, scored: ScoredVideo) -> None:
        """Write the tables of one video, and the record that says so last."""
        tables = {"aas": scored.steps, "heads": scored.heads, "places": scored.places, "head-places": scored.head_places}
        for name, table in tables.items():
            if len(table):
                write_table(self.place(name, done.sample_id, done.seed, ".parquet"), table)
        write_text(self.place("records", done.sample_id, done.seed, ".json"), json.dumps(done.to_json()) + "\n")

    def tables(self, what: str, keys: Sequence[tuple[str, int]]) -> pd.DataFrame:
        """Return the tables of all videos as one, with the columns sample_id and seed in front; empty where there are none."""
        found = []
        for sample_id, seed in keys:
            path = self.place(what, sample_id, seed, ".parquet")
            if path.is_file():
                table = pd.read_parquet(path)
                table.insert(0, "sample_id", sample_id)
                table.insert(1, "seed", seed)
                found.append(table)
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet; a torn file never takes the name."""
    with growing(path) as partial:
        table.to_parquet(partial, index=False)


def write_text(path: Path, text: str) -> None:
    """Write a text file; a torn file never takes the name."""
    write_atomically(path, text)


def _plain(name: str) -> str:
    # Ids may hold any characters; the name on disk must not.
    return name if _PLAIN.fullmatch(name) else sha256_json(name)[:24]


def _differences(before: Any, after: Any, name: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after})
        return [item for key in keys for item in _differences(before.get(key), after.get(key), f"{name}.{key}" if name else key)]
    return [] if before == after else [name]
