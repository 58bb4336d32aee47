"""Instance tracks by the content of what was tracked: one packed file a video, so that a second judge costs no second tracking.

The key is a hash of the video's bytes, the tracker with its revision and settings, the first-frame masks, the instances, and how
the video is read. Only whole tracks are kept. The files lie beside the answer cache, in the folder ``<cache file>.tracks``.
"""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from intergeneval.errors import RecordError
from intergeneval.ids import bounded_json, canonical_json
from intergeneval.records import Tracks
from intergeneval.records.disk import MOST_BYTES, read_bytes, write_atomically

SUFFIX = ".tracks"
_FILE = ".json.gz"


class TrackCache:
    """A folder of tracks by key; safe to share between processes, since a file is there whole or not at all."""

    def __init__(self, answers: Path) -> None:
        """`answers` is the file of the answer cache."""
        self.folder = answers.with_name(answers.name + SUFFIX)

    def get(self, key: str, sample_id: str, seed: int) -> Tracks | None:
        """Return the tracks of that key as those of this sample and seed; None where there are none, or the file is damaged."""
        try:
            content = bounded_json(_unpacked(read_bytes(self._path(key))))
            return replace(Tracks.from_json(content, where=str(self._path(key))), sample_id=sample_id, seed=seed)
        except (OSError, EOFError, ValueError, RecordError):
            # What cannot be read is tracked anew and written over.
            return None

    def put(self, key: str, tracks: Tracks) -> None:
        """Keep tracks. A disk that refuses costs a second tracking and nothing else, so it is no error."""
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, gzip.compress(canonical_json(tracks.to_json()).encode("utf-8"), compresslevel=6, mtime=0))

    def files(self) -> Iterator[Path]:
        """Give the files of the cache."""
        yield from self.folder.glob(f"*/*{_FILE}")

    def clear(self) -> int:
        """Remove every file; return how many there were."""
        found = list(self.files())
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{_FILE}"


def _unpacked(packed: bytes) -> bytes:
    """Return what a packed file holds. Raises OSError, also for more than `MOST_BYTES`, and EOFError."""
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(f"holds more than {MOST_BYTES} bytes")
    return content
