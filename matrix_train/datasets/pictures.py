"""What pages show of a clip: frames spread over it, with the instances' masks in their colours."""

from __future__ import annotations

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
    small = [_within(frame) for frame in Reader(inside(root, clip.video, "video"), keep=False)]
    chosen = sorted({round(place * (len(small) - 1) / max(1, count - 1)) for place in range(count)})
    colours = colours_of(clip)
    found = []
    for index in chosen:
        masks: dict[str, Mask] = {}
        for name, track in tracks.items():
            place = round(index * (len(track) - 1) / max(1, len(small) - 1))
            masks[name] = _at_size(track[place], small[index])
        found.append(Shown(index=index, data=_uri(annotate(small[index], {}, colours, masks))))
    return tuple(found)


def poster(video: Path) -> str:
    """Return the frame in the middle of a video as an address that holds it. Raises MediaError."""
    small = [_within(frame) for frame in Reader(video, keep=False)]
    return _uri(small[len(small) // 2])


def _within(frame: Frame) -> Frame:
    if frame.shape[1] <= WIDTH:
        return frame
    size = WIDTH, max(1, round(frame.shape[0] * WIDTH / frame.shape[1]))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _at_size(mask: Mask, frame: Frame) -> Mask:
    height, width = frame.shape[:2]
    small = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, dtype=np.bool_)


def _uri(frame: Frame) -> str:
    return data_uri(encode_jpeg(np.ascontiguousarray(frame), QUALITY))
