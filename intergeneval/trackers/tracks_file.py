"""Reads stored Tracks records: one JSON file, or one line of a run folder's tracks; the content is untrusted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from intergeneval.errors import MediaError, RecordError
from intergeneval.ids import strict_json
from intergeneval.masks.track_records import tracks_of
from intergeneval.records import Tracks
from intergeneval.records.disk import read_bytes
from intergeneval.records.packs import LineReader, Place, stage_files, walk

MAX_BYTES = 1 << 30
"""A larger file or line is refused: tracks of 10,000 frames stay far below it."""


def read_tracks(path: Path) -> Tracks:
    """Return the record of a ``.tracks.json`` file. Raises MediaError naming the file and the field."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MediaError(f"{path}: larger than {MAX_BYTES} bytes, not read")
        content = read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror or error})") from None
    return parse_tracks(content, str(path))


def parse_tracks(content: bytes, where: str) -> Tracks:
    """Return the record that JSON text holds; `where` names it in messages. Raises MediaError."""
    try:
        return tracks_of(_json(content, where), where)
    except RecordError as error:
        raise MediaError(f"{error} (a stored track file holds one Tracks record)") from None


class StageLines:
    """Finds the tracks of a run folder by sample and seed, packed or not; they are walked once and never held."""

    def __init__(self, folder: Path) -> None:
        """Index the files. Raises MediaError for a line that is not a JSON object with sample_id and seed."""
        self._at: dict[tuple[str, int], tuple[Path, Place, int]] = {}
        self._reader = LineReader()
        for path in stage_files(folder, "tracks"):
            self._index(path)

    def line(self, sample_id: str, seed: int) -> tuple[bytes, str] | None:
        """Return the last line written for that video, and file and number by which messages name it; or None."""
        found = self._at.get((sample_id, seed))
        if found is None:
            return None
        path, place, number = found
        with _read(path):
            return self._reader.read(path, place), f"{path} line {number}"

    def _index(self, path: Path) -> None:
        with _read(path):
            for number, (line, place) in enumerate(walk(path), start=1):
                if line.strip():
                    value = _json(line, f"{path} line {number}")
                    sample_id, seed = value.get("sample_id"), value.get("seed")
                    if not isinstance(sample_id, str) or not isinstance(seed, int):
                        raise MediaError(f"{path} line {number}: needs 'sample_id' (a text) and 'seed' (a whole number)")
                    self._at[sample_id, seed] = (path, place, number)


@contextlib.contextmanager
def _read(path: Path) -> Iterator[None]:
    """Turn what a disk refuses, and what is wrong with a pack, into MediaError."""
    try:
        yield
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror or error})") from None
    except RecordError as error:
        raise MediaError(str(error)) from None


def _json(content: bytes, where: str) -> dict[str, Any]:
    try:
        value = strict_json(content)
    except (ValueError, RecursionError) as error:
        raise MediaError(f"{where}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise MediaError(f"{where}: holds {type(value).__name__}, not a JSON object")
    return value
