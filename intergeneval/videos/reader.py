"""Read a video once, in order, at the benchmark's size, and keep the frames a judge will see."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from intergeneval.errors import MediaError
from intergeneval.records import Fit
from intergeneval.videos.clip import Clip, open_clip
from intergeneval.videos.decoding import MAX_PIXELS, within_time
from intergeneval.videos.pixels import Fitting, Frame, Notes
from intergeneval.videos.sampling import EQUAL_TIME, sample_frames

MAX_KEPT_BYTES = 1 << 30
"""Most memory the kept frames of one video may take, in bytes."""


class Reader:
    """One pass over a video file or a folder of frames.

    Iterating it (once) yields every frame, RGB uint8 (H, W, 3) at `size`, decoded in order without a seek; only the sampled
    frames are kept. `size`, `source_size` and `fit` are known at once; `frames`, `fps`, `times`, `sampled`, `kept` and `notes`
    are final after the walk. Raises MediaError, at once or during the walk, for what cannot be decoded and for a video of one
    frame; ConfigError for an unknown `sampling` or `fit`.

    `sampled` names the frames to keep, where a record of this very file already does: a run goes on with those it began with.

    Where the container announced another number of frames, or other times, than could be decoded, and that moves the sampled
    frames, they are fetched by one more pass at the end, which is noted.
    """

    frames: int
    """Number of frames: announced before the walk, decoded after it."""
    fps: float
    """Mean frame rate, frames per second."""
    source_size: tuple[int, int]
    """Height and width as stored, upright, in pixels."""
    size: tuple[int, int]
    """Height and width of the frames that are yielded, in pixels."""
    fit: Fit
    """How `source_size` was brought to `size`."""
    times: tuple[float, ...]
    """Seconds from the first frame to each where the rate varies: announced before the walk, decoded after it; else empty."""
    sampled: tuple[int, ...]
    """Indices of the sampled frames, rising."""
    kept: dict[int, Frame]
    """The sampled frames by index; empty with ``keep=False``."""

    def __init__(
        self,
        path: Path | str,
        *,
        size: tuple[int, int] | None = None,
        sampling: str = EQUAL_TIME,
        fit: str = "crop",
        keep: bool = True,
        sampled: tuple[int, ...] = (),
    ) -> None:
        self._path = Path(path)
        self._named = sampled
        self._sampling = sampling
        self._keep = keep
        self._notes = Notes()
        sample_frames(1, sampling)  # an unknown name fails here, not after a long decode
        self._clip: Clip = open_clip(self._path, self._notes)
        self.frames = self._clip.announced
        self._need_two(self.frames)
        self.fps, self.times = self._clip.fps, self._clip.times
        self._pictures = within_time(self._clip.pictures(), self._path)
        self._first: Frame | None = next(self._pictures, None)
        if self._first is None:
            raise MediaError(f"{self._path}: no frame can be decoded")
        height, width = self._first.shape[:2]
        self._fitting = Fitting.of((height, width), size, fit)
        if self._fitting.remark():
            self._notes.add(self._fitting.remark())
        self.source_size, self.size, self.fit = self._fitting.source_size, self._fitting.size, self._fitting.fit
        self.sampled = self._sample(self.frames)
        self._check_kept()
        self.kept = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What else was done to the video, such as ``rotated 90``; complete after the walk."""
        return self._notes.all()

    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame, RGB uint8 (H, W, 3). Raises MediaError; RuntimeError when walked a second time."""
        if self._first is None:
            raise RuntimeError("a Reader can be walked once; make another one for another pass")
        first, self._first = self._first, None
        wanted = set(self.sampled) if self._keep else set()
        count = 0
        for picture in chain([first], self._pictures):
            frame = self._fitting.apply(picture)
            if count in wanted:
                self.kept[count] = frame.copy()
            count += 1
            yield frame
        self._finish(count)

    def _finish(self, count: int) -> None:
        """Settle the sampled frames once the real number of frames is known."""
        self._need_two(count)
        moved = self._clip.times != self.times
        self.fps, self.times = self._clip.fps, self._clip.times
        if count != self.frames:
            self._notes.add(f"{self.frames} frames announced, {count} decoded")
        elif not moved:
            return
        self.frames = count
        self.sampled = self._sample(count)
        if not self._keep:
            return
        self._check_kept()
        held = {index: self.kept[index] for index in self.sampled if index in self.kept}
        if len(held) < len(self.sampled):
            self._notes.add("decoded a second time for the sampled frames")
            for index, picture in enumerate(self._clip.pictures()):
                if index in self.sampled and index not in held:
                    held[index] = self._fitting.apply(picture)
        self.kept = {index: held[index] for index in self.sampled}

    def _sample(self, count: int) -> tuple[int, ...]:
        if self._named and self._named[-1] == count - 1:
            return self._named
        # Where times could not be told apart frame by frame, shares are of frames.
        return sample_frames(count, self._sampling, self.times if len(self.times) == count else ())

    def _need_two(self, count: int) -> None:
        if count < 2:
            raise MediaError(f"{self._path}: has only one frame: there is nothing after frame 0")

    def _check_kept(self) -> None:
        if self.size[0] * self.size[1] > MAX_PIXELS:
            raise MediaError(f"{self._path}: {self.size[1]}x{self.size[0]} is more than {MAX_PIXELS} pixels a frame")
        needed = len(self.sampled) * self.size[0] * self.size[1] * 3
        if self._keep and needed > MAX_KEPT_BYTES:
            raise MediaError(
                f"{self._path}: sampling {self._sampling!r} would keep {len(self.sampled)} of {self.frames} frames "
                f"({needed >> 20} MiB, at most {MAX_KEPT_BYTES >> 20}); use 'equal-time' or a larger 'stride:N'"
            )


def unreadable(path: Path | str) -> str:
    """Return why not even the first frame of a video can be had; empty where it can."""
    try:
        found = next(iter(Reader(path, keep=False)), None)
    except MediaError as error:
        return str(error)
    return f"{path}: holds no frame" if found is None else ""
