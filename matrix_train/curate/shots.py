"""First stages: a video is hashed, and cut into shots with PySceneDetect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import cv2

from intergeneval import videos
from intergeneval.errors import MediaError, UsageError
from intergeneval.videos import Reader
from matrix_train.curate.archives import Files
from matrix_train.curate.config import NONE, ShotsConfig
from matrix_train.curate.records import Entry, Known, Place
from matrix_train.curate.stage import Made, Stage, Task

_SIDE = 256
"""Longest side at which frames are compared, in pixels, as PySceneDetect reduces them itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStage(Stage):
    """Hashes the bytes of a video, so that everything after it depends on them alone and not on where it lies."""

    name: ClassVar[str] = "source"
    heavy: ClassVar[bool] = True
    root: Path
    """Folder that places are relative to."""
    entries: Mapping[str, Entry]
    """What is in the source, by id."""

    def settings(self) -> Any:
        """Return nothing: what comes with a clip is part of what its line is made from."""
        return None

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return place and stamp of the file."""
        entry = self.entries[clip.id]
        return {"place": entry.place.to_json(), "stamp": list(entry.stamp)}

    @property
    def places(self) -> Sequence[Path]:
        """The source."""
        return (self.root,)

    def maker(self) -> Callable[[Task], Made]:
        """Return what hashes."""
        files = Files(self.root)
        return lambda task: Made(value={"sha256": files.sha256(Place.from_json(task.given["place"]))})

    def __getstate__(self) -> list[Any]:
        """Leave the entries behind: a task carries what it needs of its own."""
        return [self.root, {}]

    def __setstate__(self, state: list[Any]) -> None:
        """Take it up again in a worker."""
        object.__setattr__(self, "root", state[0])
        object.__setattr__(self, "entries", state[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotsStage(Stage):
    """Cuts a video into shots."""

    name: ClassVar[str] = "shots"
    heavy: ClassVar[bool] = True
    root: Path
    """Folder that places are relative to."""
    config: ShotsConfig
    """Settings."""

    def settings(self) -> Any:
        """Return the settings, and the version of the library that cuts."""
        return [self.config.to_json(), detector_version() if self.config.detector != NONE else NONE]

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the hash of the video."""
        return {"sha256": clip.value("source")["sha256"]}

    def beside(self, clip: Known) -> Mapping[str, Any]:
        """Return where it lies."""
        return {"place": clip.value("entry")["place"]}

    @property
    def places(self) -> Sequence[Path]:
        """The source."""
        return (self.root,)

    def maker(self) -> Callable[[Task], Made]:
        """Return what cuts."""
        files = Files(self.root)

        def make(task: Task) -> Made:
            with files.opened(Place.from_json(task.beside["place"])) as path:
                try:
                    return self._cut(path)
                except MediaError as error:
                    return Made(kind="unreadable", reason=str(error).replace(str(path), "the video"))

        return make

    def _cut(self, path: Path) -> Made:
        reader = Reader(path, keep=False)
        cuts = list(cuts_of(reader, self.config)) if self.config.detector != NONE else []
        if self.config.detector == NONE:
            for _ in reader:
                pass
        ends = [0, *cuts, reader.frames]
        told = not any(note.startswith("frame rate taken as") for note in reader.notes)
        return Made(
            value={"shots": [list(pair) for pair in pairwise(ends)], "told": told},
            measured={"frames": reader.frames, "fps": round(reader.fps, 4), "shots": len(ends) - 1},
        )


def detector_version() -> str:
    """Return the version of PySceneDetect. Raises UsageError where it is not installed."""
    try:
        import scenedetect
    except ImportError:
        raise UsageError(
            "cutting into shots needs PySceneDetect: pip install 'intergeneval[curate]'; or set detector = \"none\" in [shots]"
        ) from None
    return str(scenedetect.__version__)


def cuts_of(reader: Reader, config: ShotsConfig) -> list[int]:
    """Walk a video to its end; return the first frame of each shot but the first, rising. Raises MediaError."""
    from scenedetect import FrameTimecode
    from scenedetect.detectors import ContentDetector

    # Our own frames and their numbers, so that a cut is where everything after it counts it to be.
    rate = reader.fps
    detector = ContentDetector(threshold=config.threshold, min_scene_len=max(1, round(config.shortest * rate)))
    found: list[int] = []
    last = FrameTimecode(0, rate)
    for number, frame in enumerate(reader):
        last = FrameTimecode(number, rate)
        found += (cut.frame_num for cut in detector.process_frame(last, _small(frame)))
    found += (cut.frame_num for cut in detector.post_process(last))
    return sorted({cut for cut in found if 0 < cut < reader.frames})


def _small(frame: videos.Frame) -> Any:
    height, width = frame.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    return cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
