"""The picture or video of an item: its identity, its size, and the frames that are wanted of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from intergeneval import videos
from intergeneval.errors import MediaError
from intergeneval.records import Video, VideoStatus

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One picture or video as it was decoded."""

    path: Path
    """The file."""
    is_video: bool
    """Which of the two."""
    video: Video
    """The same as a record; a picture counts as one frame."""
    frames: dict[int, Frame]
    """The frames that were wanted, by index."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self.video.size


def open_media(path: Path, sample_id: str, *, is_video: bool, anchor: int | None, anchors: int) -> Media:
    """Decode a picture, or those frames of a video in which instances are looked for: `anchor`, or `anchors` even steps.

    Raises MediaError for what cannot be decoded, and for an anchor beyond the video's end.
    """
    if not is_video:
        frame = videos.read_picture(path)
        record = Video(
            sample_id=sample_id, seed=0, status=VideoStatus.OK, size=(frame.shape[0], frame.shape[1]), frames=1, sampled=(0,)
        )
        return Media(path=path, is_video=False, video=record, frames={0: frame})
    reader = videos.Reader(path, keep=False)
    wanted = wanted_frames(reader.frames, anchor, anchors)
    frames = {index: frame.copy() for index, frame in enumerate(reader) if index in wanted}
    if wanted_frames(reader.frames, anchor, anchors) != wanted:
        # Another number of frames was announced than could be decoded.
        wanted = wanted_frames(reader.frames, anchor, anchors)
        frames = {index: frame.copy() for index, frame in enumerate(videos.Reader(path, keep=False)) if index in wanted}
    if anchor is not None and anchor not in frames:
        raise MediaError(f"{path}: the anchor is frame {anchor}, the video has {reader.frames} frames")
    record = Video(
        sample_id=sample_id,
        seed=0,
        status=VideoStatus.OK,
        path=path.name,
        size=reader.size,
        source_size=reader.source_size,
        frames=reader.frames,
        fps=reader.fps,
        sampled=tuple(sorted(frames)),
        times=reader.times,
    )
    return Media(path=path, is_video=True, video=record, frames=frames)


def wanted_frames(count: int, anchor: int | None, anchors: int) -> tuple[int, ...]:
    """Return the frames to look at, rising; frame 0 is always among them, because a benchmark starts from it."""
    if anchor is not None:
        return tuple(sorted({0, anchor}))
    return even_frames(count, anchors)


def even_frames(count: int, number: int) -> tuple[int, ...]:
    """Return `number` frames of `count`, or all where there are fewer, in even steps from the first to the last."""
    steps: Sequence[float] = [0.0] if number == 1 else np.linspace(0, count - 1, min(number, count)).tolist()
    return tuple(sorted({round(step) for step in steps}))
