"""Reads stored Tracks records: one JSON file, or one line of a run folder's ``tracks.jsonl``; the content is untrusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intergeneval.errors import MediaError, RecordError
from intergeneval.ids import open_plain, strict_json
from intergeneval.masks.track_records import tracks_of
from intergeneval.records import Tracks
from intergeneval.records.disk import lines_of, read_bytes

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


class StageFile:
    """Finds lines of a run folder's ``tracks.jsonl`` by sample and seed; the file is walked once and never held."""

    def __init__(self, path: Path) -> None:
        """Index the file. Raises MediaError for a line that is not a JSON object with sample_id and seed."""
        self._path = path
        self._at: dict[tuple[str, int], tuple[int, int, int]] = {}
        offset = 0
        for number, line in enumerate(lines_of(path), start=1):
            # A last line without its end is what a killed run leaves behind: not yet written, so not there.
            if line.endswith(b"\n") and line.strip():
                value = _json(line, f"{path} line {number}")
                sample_id, seed = value.get("sample_id"), value.get("seed")
                if not isinstance(sample_id, str) or not isinstance(seed, int):
                    raise MediaError(f"{path} line {number}: needs 'sample_id' (a text) and 'seed' (a whole number)")
                self._at[sample_id, seed] = (offset, len(line), number)
            offset += len(line)

    def line(self, sample_id: str, seed: int) -> tuple[bytes, int] | None:
        """Return the last line written for that video and its number, or None."""
        place = self._at.get((sample_id, seed))
        if place is None:
            return None
        with open_plain(self._path) as stream:
            stream.seek(place[0])
            return stream.read(place[1]), place[2]


def _json(content: bytes, where: str) -> dict[str, Any]:
    try:
        value = strict_json(content)
    except (ValueError, RecursionError) as error:
        raise MediaError(f"{where}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise MediaError(f"{where}: holds {type(value).__name__}, not a JSON object")
    return value
