"""What finished pieces left behind: a record each in ``pieces/``, what it was made from and a hash of what it made.

A record counts while that still holds. So a study goes on wherever it was stopped, and a changed plan is told instead of mixed
with what is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.ids import canonical_json, sha256_json
from intergeneval.records import Record
from intergeneval.records.disk import read_text
from intergeneval.store import write_atomically
from matrix_train.study.pieces import DERIVED, Piece

FOLDER = "pieces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Record):
    """The record of a finished piece."""

    piece: str
    """Its name."""
    inputs: Mapping[str, Any]
    """What it was made from."""
    needs: Mapping[str, str]
    """Hash of each piece that it needed, by name."""
    made: str
    """Hash of what it made."""
    units: int
    """How much the sitting that finished it had to do: less than all where it was stopped before."""
    seconds: float
    """Wall time of that sitting."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What it has to say, such as seconds a step."""


class Ledger:
    """The records of finished pieces in a study's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def path(self, piece: Piece) -> Path:
        """Return the file of a piece's record."""
        return self._folder / f"{piece.name.replace('/', '~')}.json"

    def read(self, piece: Piece) -> Done | None:
        """Return a piece's record; None where it was never finished. Raises RecordError for a damaged one."""
        try:
            text = read_text(self.path(piece))
        except FileNotFoundError:
            return None
        try:
            return Done.from_line(text, where=str(self.path(piece)))
        except RecordError as error:
            raise RecordError(f"{error}; remove the file, and the piece is looked at anew") from None

    def write(self, done: Done, piece: Piece) -> None:
        """Write a piece's record, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path(piece), canonical_json(done.to_json()) + "\n")

    def forget(self, piece: Piece) -> None:
        """Take back a piece's record, so that it is done anew."""
        self.path(piece).unlink(missing_ok=True)

    def needed(self, piece: Piece, pieces: Mapping[str, Piece]) -> dict[str, str] | None:
        """Return the hash of what each needed piece made; None where one is not done."""
        found = {}
        for name in piece.needs:
            done = self.read(pieces[name])
            if done is None or self.differing(done, pieces[name], pieces):
                return None
            found[name] = done.made
        return found

    def is_done(self, piece: Piece, pieces: Mapping[str, Piece]) -> bool:
        """Whether a piece is finished and was made from what the plan says now.

        Raises ConfigError where a piece that takes long was made from something else.
        """
        done = self.read(piece)
        if done is None:
            return False
        differing = self.differing(done, piece, pieces)
        if differing and piece.kind not in DERIVED:
            raise ConfigError(
                f"{self.path(piece)}: {piece.name} was made with another {differing}; give the changed study another --out, "
                "or remove this file and what the piece made"
            )
        return not differing and self.needed(piece, pieces) is not None

    def differing(self, done: Done, piece: Piece, pieces: Mapping[str, Piece]) -> str:
        """Return the first thing in which a record differs from what the piece would be made from now; empty where none does."""
        first = _difference(done.inputs, _plain(piece.inputs))
        if first:
            return first
        for name in piece.needs:
            other = self.read(pieces[name])
            if other is not None and done.needs.get(name) != other.made:
                return name
        return "" if set(done.needs) == set(piece.needs) else "set of pieces"


def _difference(before: Any, now: Any, name: str = "") -> str:
    """Return the dotted name of the first value that differs, with both values; empty where none does."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*before, *now}):
            found = _difference(before.get(key), now.get(key), f"{name}.{key}" if name else str(key))
            if found:
                return found
        return ""
    return "" if before == now else f"{name} ({before!r}, now {now!r})"


def _plain(value: Mapping[str, Any]) -> Any:
    """Return a value as JSON gives it back, so that tuples equal lists."""
    return json.loads(canonical_json(value))


def made_of(*parts: Any) -> str:
    """Return the hash of what a piece made."""
    return sha256_json(list(parts))
