"""Which folder is the benchmark of a list of prompts, where two lists, or two folders of videos, are called alike.

A benchmark remembers the list that it was made of, by its place and by its content, in ``list.json``. The list at that place goes
on with it, changed or not; so does a list of the same content elsewhere, or two models that were given one list could not be
compared. Any other list of that name gets a folder of its own: it would write over the benchmark, and be shown masks that are
none of its own.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.bench_paths import TOML
from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import bounded_json, canonical_json, sha256_json, short
from intergeneval.records import Record
from intergeneval.records.disk import read_json, read_text
from intergeneval.store import write_atomically

ORIGIN = "list.json"
"""File that says which list a benchmark was made of."""
_LIST = "prompts.jsonl"
_NAMES = "names"
_SHOWN = 4
_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Record):
    """The list that a benchmark was made of."""

    place: str
    """The list, or the folder of videos whose names are the prompts, relative to the benchmark."""
    rows: str
    """Sha256 of its rows as they were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The benchmark of a list."""

    folder: Path
    """Its folder."""
    origin: Origin
    """The list."""
    told: tuple[str, ...] = ()
    """What is to be said: that the list has changed, or that another list has the folder of its name."""
    rows: tuple[_Row, ...] | None = None
    """Rows of the whole folder, where a single video of it is given and its names are the prompts."""

    def remember(self) -> None:
        """Write down which list the benchmark is made of. Raises StoreError."""
        text = canonical_json({"schema": 1, **self.origin.to_json()}) + "\n"
        place = self.folder / ORIGIN
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            write_atomically(place, text)


def home_of(model: Path, prompts: str, rows: Sequence[_Row], out: Path | None = None) -> Home:
    """Return the benchmark of a list of these rows: `out` where it is given, else one below ``benchmarks``.

    Raises UsageError for a file that says what cannot be read.
    """
    place, digest = _place(model, prompts), sha256_json(list(rows))
    if out is not None:
        return Home(folder=out, origin=_origin(out, place, digest))
    if model.is_file() and prompts == _NAMES and (found := _whole_folder(model, rows)) is not None:
        return found
    base = Path("benchmarks") / _name_of(place, prompts)
    known = {folder: origin for folder in _called(base) if (origin := _read(folder)) is not None}
    for folder, origin in known.items():
        if Path(os.path.normpath(folder.resolve() / origin.place)) == place:
            return Home(folder=folder, origin=_origin(folder, place, digest), told=_changes(folder, rows))
    same = next((folder for folder, origin in known.items() if origin.rows == digest), None)
    if same is not None:
        return Home(folder=same, origin=known[same])
    if base not in known and _free(base, rows):
        return Home(folder=base, origin=_origin(base, place, digest), told=_changes(base, rows))
    own = base.with_name(f"{base.name}-{short(digest, 6)}")
    whose = f" ({os.path.normpath(base / known[base].place)})" if base in known else ""
    told = f"{base} is the benchmark of another list{whose}, and stays as it is: that of {prompts} is {own}"
    return Home(folder=own, origin=_origin(own, place, digest), told=(told,))


def remembered_ids(model: Path, prompts: str, listed: Sequence[str]) -> list[str]:
    """Return the ids that the prompts of a list had when its benchmark was made, in their order; none where they are others now.

    Raises UsageError for a file that says what cannot be read.
    """
    place = _place(model, prompts)
    for folder in _called(Path("benchmarks") / _name_of(place, prompts)):
        origin = _read(folder)
        if origin is not None and Path(os.path.normpath(folder.resolve() / origin.place)) == place:
            there = _rows(folder)
            return [str(row["id"]) for row in there] if [row["prompt"] for row in there] == list(listed) else []
    return []


def _whole_folder(model: Path, rows: Sequence[_Row]) -> Home | None:
    """Return the benchmark of the folder that a single video lies in, where the video's name was read for it."""
    place = model.resolve().parent
    for folder in _called(Path("benchmarks") / _name_of(place, _NAMES)):
        origin = _read(folder)
        if origin is None or Path(os.path.normpath(folder.resolve() / origin.place)) != place:
            continue
        there = tuple({key: row[key] for key in ("id", "prompt", "tags") if key in row} for row in _rows(folder))
        if all(any(row["prompt"] == one["prompt"] for one in there) for row in rows):
            return Home(folder=folder, origin=origin, rows=there)
    return None


def _place(model: Path, prompts: str) -> Path:
    return model.resolve() if prompts == _NAMES else Path(prompts).resolve()


def _name_of(place: Path, prompts: str) -> str:
    name = place.stem if place.is_file() else place.name
    if prompts != _NAMES and name == "prompts":
        name = place.parent.name
    safe = "".join(char if char.isalnum() or char in "-_. " else "-" for char in name).strip("-. ")
    return safe or "prompts"


def _origin(folder: Path, place: Path, digest: str) -> Origin:
    return Origin(place=Path(os.path.relpath(place, folder.resolve())).as_posix(), rows=digest)


def _called(base: Path) -> list[Path]:
    """Return the folders that a list of that name may have, the plain one first."""
    more = sorted(base.parent.glob(f"{glob.escape(base.name)}-" + "[0-9a-f]" * 6)) if base.parent.is_dir() else []
    return [folder for folder in (base, *more) if folder.is_dir()]


def _read(folder: Path) -> Origin | None:
    place = folder / ORIGIN
    if not place.is_file():
        return None
    try:
        value = read_json(place)
        if isinstance(value, dict):
            value = {key: item for key, item in value.items() if key != "schema"}
        return Origin.from_json(value, where=str(place))
    except (OSError, RecordError) as error:
        raise UsageError(f"{place}: cannot be read ({error}); remove it if the folder is the benchmark of your list") from None


def _rows(folder: Path) -> list[_Row]:
    """Return the rows that a benchmark was last built from; none where it has no list that can be read."""
    try:
        lines = read_text(folder / _LIST).splitlines()
        found = [bounded_json(line) for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError, ValueError):
        return []
    return [row for row in found if isinstance(row, dict) and isinstance(row.get("prompt"), str) and "id" in row]


def _free(base: Path, rows: Sequence[_Row]) -> bool:
    """Whether a folder may be the benchmark of these rows: nothing is in it, or it is theirs and older than `ORIGIN`."""
    there = {(row["id"], row["prompt"]) for row in _rows(base)}
    if there:
        return any((row["id"], row["prompt"]) in there for row in rows)
    return not (base / TOML).exists()


def _changes(folder: Path, rows: Sequence[_Row]) -> tuple[str, ...]:
    """Return what has changed of a list since the benchmark was built from it, in a line; nothing where nothing has."""
    before = {str(row["id"]): row["prompt"] for row in _rows(folder)}
    now = {str(row["id"]): row["prompt"] for row in rows}
    if not before or before == now:
        return ()
    parts = [
        (f"{len(names)} {what} ({', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''})")
        for what, names in (
            ("new", [name for name in now if name not in before]),
            ("with another prompt", [name for name, text in now.items() if name in before and before[name] != text]),
            ("gone", [name for name in before if name not in now]),
        )
        if names
    ]
    return (f"{folder}: its list has changed: {'; '.join(parts)}; masks stay with the words that they were drawn for",)
