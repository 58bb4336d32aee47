"""Detector ``stored:FILE``: boxes that some detector wrote to disk, one `Detections` line a sample and seed.

FILE is such a JSONL file, or a run folder with a ``detections.jsonl``. Boxes are read strictly: a frame that the file does not
speak of or a box outside the picture is an error, not an empty picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intergeneval.detectors import DetectRequest
from intergeneval.errors import BackendError, ConfigError, RecordError
from intergeneval.ids import sha256_file, short
from intergeneval.records import Detections
from intergeneval.records.disk import lines_of

NAME = "detections.jsonl"
_LARGEST = 1 << 30


class StoredDetector:
    """Gives the boxes of a file; looks at no frame."""

    needs_truth = False

    def __init__(self, path: Path) -> None:
        """Read the file. Raises ConfigError for a file that is none, naming the line."""
        self._path = path / NAME if path.is_dir() else path
        self._found: dict[tuple[str, int], Detections] = {}
        try:
            if self._path.stat().st_size > _LARGEST:
                raise ConfigError(f"{self._path}: larger than {_LARGEST} bytes, not read")
            for number, line in enumerate(lines_of(self._path), start=1):
                # A last line without its end is what a killed run leaves behind.
                if line.endswith(b"\n") and line.strip():
                    item = Detections.from_line(line.decode("utf-8"), where=f"{self._path}:{number}")
                    self._found[item.sample_id, item.seed] = item
            self._revision = short(sha256_file(self._path))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"detector 'stored': {self._path} cannot be read ({error}); give a file of detections") from None
        except RecordError as error:
            raise ConfigError(f"{error} (a file of detections holds one Detections record a line)") from None

    @property
    def id(self) -> str:
        """``stored:`` with the file's name and the first digits of its hash."""
        return f"stored:{self._path.name}@{self._revision}"

    def detect(self, request: DetectRequest) -> Detections:
        """Return the stored boxes in the requested frames. Raises BackendError where the file does not speak of them."""
        key = (request.sample.id, request.video.seed)
        known = self._found.get(key)
        if known is None:
            raise BackendError(f"{self._path}: holds no detections of sample {key[0]!r}, seed {key[1]}")
        if known.status != "ok":
            raise BackendError(f"{self._path}: detection failed on sample {key[0]!r} ({known.reason or 'no reason given'})")
        if len(known.frames) != len(known.found):
            raise BackendError(f"{self._path}: sample {key[0]!r} has {len(known.frames)} frames and {len(known.found)} lists")
        found = dict(zip(known.frames, known.found, strict=True))
        frames = tuple(sorted(request.frames))
        if missing := [frame for frame in frames if frame not in found]:
            raise BackendError(f"{self._path}: sample {key[0]!r}: nothing is stored of frame {missing[0]}")
        for frame in frames:
            height, width = request.frames[frame].shape[:2]
            for item in found[frame]:
                x0, y0, x1, y1 = item.box
                if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height and 0 <= item.score <= 1):
                    raise BackendError(
                        f"{self._path}: sample {key[0]!r}, frame {frame}: box {list(item.box)} with score {item.score:g} does "
                        f"not fit a picture of {width}x{height}"
                    )
        classes = set(request.classes)
        return Detections(
            sample_id=request.sample.id,
            seed=request.video.seed,
            detector=self.id,
            frames=frames,
            found=tuple(tuple(item for item in found[frame] if item.class_ in classes) for frame in frames),
        )


def create(argument: str, settings: Mapping[str, Any]) -> StoredDetector:
    """Make the detector; the argument is the file. Raises ConfigError."""
    if settings:
        raise ConfigError(f"detector 'stored' has no setting {sorted(settings)[0]!r}; it takes none")
    if not argument:
        raise ConfigError("detector 'stored': say which file, as in --detector stored:boxes.jsonl")
    return StoredDetector(Path(argument))
