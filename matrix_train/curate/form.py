"""Third stage: every shot becomes a video of one rate and length, from its beginning, frames taken by their times."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from intergeneval.errors import MediaError
from intergeneval.ids import sha256_file, short
from intergeneval.videos import Frame, Reader, write_video
from matrix_train.curate.archives import Files
from matrix_train.curate.config import FormConfig
from matrix_train.curate.measuring import LEAST_CHANGE, change, small_grey
from matrix_train.curate.records import Known, Place
from matrix_train.curate.stage import Made, Stage, Task

_REPEATED = 0.25
"""Share of the largest change near it below which a step shows the same picture again."""
_NEAR = 6
"""How many steps on either side are near."""
WORK = "work"
"""Folder of the files that stages make, inside of the curation's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormStage(Stage):
    """Takes the frames of a clip and writes them as a video."""

    name: ClassVar[str] = "form"
    heavy: ClassVar[bool] = True
    files: ClassVar[tuple[str, ...]] = ("video",)
    root: Path
    """Folder that places are relative to."""
    out: Path
    """Folder of the curation."""
    config: FormConfig
    """Settings."""

    def settings(self) -> Any:
        """Return the settings."""
        return self.config.to_json()

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the hash of the video, and the first frame of the shot and the one after its last."""
        return {"sha256": clip.value("source")["sha256"], "shot": clip.value("cut")["shot"], "told": clip.value("cut")["told"]}

    def beside(self, clip: Known) -> Mapping[str, Any]:
        """Return where it lies."""
        return {"place": clip.value("entry")["place"]}

    @property
    def places(self) -> Sequence[Path]:
        """The source, and the folder that is written to."""
        return (self.root, self.out)

    def maker(self) -> Callable[[Task], Made]:
        """Return what writes."""
        files = Files(self.root)

        def make(task: Task) -> Made:
            with files.opened(Place.from_json(task.beside["place"])) as path:
                try:
                    return self._form(path, task)
                except MediaError as error:
                    return Made(kind="unreadable", reason=str(error).replace(str(path), "the video"))

        return make

    def _form(self, path: Path, task: Task) -> Made:
        first, last = task.given["shot"]
        if not task.given["told"]:
            return Made(kind="rate", reason="the file tells no frame rate, so nobody knows how fast it is to be shown")
        times = _times(path, first, last)
        measured = {"seconds": round(times[-1] - times[0] if len(times) > 1 else 0.0, 3)}
        slack = (times[-1] - times[0]) / max(1, len(times) - 1) / 2 if len(times) > 1 else 0.0
        if not times or times[-1] - times[0] + slack < self.config.seconds:
            reason = f"the shot lasts {measured['seconds']:g} s, and {self.config.seconds:g} s are needed"
            return Made(kind="short", reason=reason, measured=measured)
        picks = picks_of(times, self.config)
        shot = _Shot(path, first, picks)
        target = self.out / WORK / "videos" / f"{task.clip}.{short(task.input, 12)}.mp4"
        write_video(target, shot, self.config.fps)
        measured |= {"rate": round(shot.pictures_a_second(times), 3)}
        value = {
            "video": target.relative_to(self.out).as_posix(),
            "sha256": sha256_file(target),
            "size": list(shot.size),
            "picks": [first + pick for pick in picks],
        }
        return Made(value=value, measured=measured)


def _times(path: Path, first: int, last: int) -> list[float]:
    """Return the seconds of a shot's frames, from the first of the file."""
    reader = Reader(path, keep=False)
    if not reader.times:
        return [index / reader.fps for index in range(first, last)]
    for _ in reader:
        pass
    return list(reader.times[first:last]) if reader.times else [index / reader.fps for index in range(first, last)]


def picks_of(times: Sequence[float], config: FormConfig) -> tuple[int, ...]:
    """Return which frames of a shot stand at the clip's times, by the nearest; a frame may be taken twice."""
    picks = []
    for number in range(config.frames):
        wanted = times[0] + number / config.fps
        after = min(bisect_left(times, wanted), len(times) - 1)
        before = max(after - 1, 0)
        picks.append(before if wanted - times[before] <= times[after] - wanted else after)
    return tuple(picks)


class _Shot:
    """The frames of a clip, walked through once; what changes from frame to frame of the file is measured on the way."""

    def __init__(self, path: Path, first: int, picks: Sequence[int]) -> None:
        self._reader = Reader(path, keep=False)
        self._first = first
        self._picks = picks
        self._changes: list[float] = []
        self.size = self._reader.size

    def __iter__(self) -> Iterator[Frame]:
        wanted = list(self._picks)
        before = None
        for index, frame in enumerate(self._reader):
            place = index - self._first
            if place < 0:
                continue
            small = small_grey(frame)
            if before is not None:
                self._changes.append(change(before, small))
            before = small
            while wanted and wanted[0] == place:
                yield frame
                wanted.pop(0)
            if not wanted:
                return
        if wanted:
            raise MediaError("the video ends before the shot does")

    def pictures_a_second(self, times: Sequence[float]) -> float:
        """Return how often a second another picture is shown: less than the rate where frames are repeated in turn."""
        rate = (len(times) - 1) / (times[-1] - times[0])
        return float(rate / held_for(self._changes))


def held_for(changes: Sequence[float]) -> float:
    """Return for how many frames a picture is shown, the median; `changes` are the grey levels by which each step changes.

    A frame repeats the one before where the step to it is small beside the largest near it. So a file of 24 frames a second that
    shows each picture three times has 3, and one in which little moves, or nothing for a while, 1.
    """
    if not changes:
        return 1.0
    steps = np.asarray(changes, dtype=np.float64)
    near = np.pad(steps, _NEAR, mode="edge")
    largest = np.max(np.lib.stride_tricks.sliding_window_view(near, 2 * _NEAR + 1), axis=1)
    new = np.flatnonzero((steps >= _REPEATED * largest) | (largest < LEAST_CHANGE)) + 1
    return float(np.quantile(np.diff(new), 0.5, method="lower")) if len(new) > 1 else 1.0
