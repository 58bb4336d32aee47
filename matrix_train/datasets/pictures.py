"""What pages show of a clip: frames spread over it, with the instances' masks in their colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from intergeneval.masks import Mask
from intergeneval.records import BOX_COLOURS
from intergeneval.sheet import data_uri
from intergeneval.videos import Frame, Reader, annotate, encode_jpeg
from matrix_train.data.clips import Clip, inside, mask_tracks

FRAMES_A_CLIP = 10
"""Frames of a clip that a person looks at."""
WIDTH = 320
"""Largest width of a picture, in pixels."""
QUALITY = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One frame as a page has it."""

    index: int
    """Which frame of the clip."""
    data: str
    """The picture, as an address that holds it."""


def colours_of(clip: Clip) -> dict[str, str]:
    """Return the colour of each instance, in the order of the clip; beyond nine they begin again."""
    return {instance.id: BOX_COLOURS[place % len(BOX_COLOURS)] for place, instance in enumerate(clip.instances)}


def shown_frames(root: Path, clip: Clip, count: int = FRAMES_A_CLIP) -> tuple[Shown, ...]:
    """Return `count` frames (fewer of a shorter clip), from the first to the last, with masks drawn on them.

    Where there are others in number than frames, masks are those of the same share of the clip. Raises MediaError, RecordError or
    ConfigError naming the file.
    """
    tracks = mask_tracks(root, clip)
    small, length = _frames(inside(root, clip.video, "video"), lambda frames: _spread(frames, count))
    colours = colours_of(clip)
    found = []
    for index, frame in small.items():
        masks: dict[str, Mask] = {}
        for name, track in tracks.items():
            place = round(index * (len(track) - 1) / max(1, length - 1))
            masks[name] = _at_size(track[place], frame)
        found.append(Shown(index=index, data=_uri(annotate(frame, {}, colours, masks))))
    return tuple(found)


def poster(video: Path) -> str:
    """Return the frame in the middle of a video as an address that holds it. Raises MediaError."""
    small, _ = _frames(video, lambda frames: (frames // 2,))
    return _uri(next(iter(small.values())))


def _spread(frames: int, count: int) -> tuple[int, ...]:
    """Return `count` indices from the first frame to the last, fewer where there are not so many."""
    return tuple(sorted({round(place * (frames - 1) / max(1, count - 1)) for place in range(count)}))


def _frames(video: Path, choose: Callable[[int], tuple[int, ...]]) -> tuple[dict[int, Frame], int]:
    """Return the frames that `choose` names of a video of so many, small, and their number; only these are kept.

    A video that announces another number than it has is walked a second time.
    """
    reader = Reader(video, keep=False)
    chosen = choose(reader.frames)
    kept = {index: _within(frame) for index, frame in enumerate(reader) if index in chosen}
    if chosen != (wanted := choose(reader.frames)):
        kept = {index: _within(frame) for index, frame in enumerate(Reader(video, keep=False)) if index in wanted}
    return kept, reader.frames


def _within(frame: Frame) -> Frame:
    if frame.shape[1] <= WIDTH:
        return frame.copy()
    size = WIDTH, max(1, round(frame.shape[0] * WIDTH / frame.shape[1]))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _at_size(mask: Mask, frame: Frame) -> Mask:
    height, width = frame.shape[:2]
    small = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, dtype=np.bool_)


def _uri(frame: Frame) -> str:
    return data_uri(encode_jpeg(np.ascontiguousarray(frame), QUALITY))
