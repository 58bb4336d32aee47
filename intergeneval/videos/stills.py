"""A poster and a strip of four frames: what a page shows of a video before anybody plays it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from intergeneval.ids import sha256_bytes
from intergeneval.masks.writing import encode_picture
from intergeneval.records import Stills
from intergeneval.videos.pixels import Frame

FOLDER = "stills"
"""Folder of the pictures inside a run folder."""
POSTER_SIDE = 320
"""Longest side of a poster, in pixels."""
STRIP_SIDE = 128
"""Longest side of each frame in a strip, in pixels."""
QUALITY = 70
"""WebP quality of both."""
_POSTER = 2
"""Place of the poster's frame in the strip: two thirds in, where most deeds are to be seen; all models share the first frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Poster and strip of one video, encoded, with their record."""

    record: Stills
    """What they show, and their hashes."""
    poster: bytes
    """The poster, a WebP file."""
    strip: bytes
    """The strip, a WebP file."""


def strip_frames(sampled: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the four of the sampled frames that a strip shows: both ends and two between; short videos repeat some."""
    last = len(sampled) - 1
    first, second, third, fourth = (sampled[round(place * last / 3)] for place in range(4))
    return first, second, third, fourth


def pictures(kept: Mapping[int, Frame], name: tuple[str, int], digest: str) -> Pictures:
    """Return poster and strip of a video from its sampled frames, RGB uint8 (H, W, 3) by index.

    `name` is its sample and seed, `digest` the hash of the file. Equal frames give equal bytes with the same libraries. Raises
    ValueError where a frame cannot be written.
    """
    chosen = strip_frames(sorted(kept))
    poster = _small(kept[chosen[_POSTER]], POSTER_SIDE)
    strip = np.concatenate([_small(kept[index], STRIP_SIDE) for index in chosen], axis=1)
    encoded = _webp(poster), _webp(strip)
    record = Stills(
        sample_id=name[0],
        seed=name[1],
        frame=chosen[_POSTER],
        strip=chosen,
        poster_size=(poster.shape[0], poster.shape[1]),
        strip_size=(strip.shape[0], strip.shape[1]),
        poster_sha256=sha256_bytes(encoded[0]),
        strip_sha256=sha256_bytes(encoded[1]),
        video=digest,
    )
    return Pictures(record=record, poster=encoded[0], strip=encoded[1])


def still_paths(run: Path, sample_id: str, seed: int) -> tuple[Path, Path]:
    """Return where poster and strip of a video lie in a run folder."""
    folder = run / FOLDER / sample_id
    return folder / f"{seed}.webp", folder / f"{seed}.strip.webp"


def _small(frame: Frame, side: int) -> Frame:
    """Return a frame shrunk to a longest side; smaller ones stay as they are."""
    height, width = frame.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return frame
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _webp(frame: Frame) -> bytes:
    return encode_picture(frame, ".webp", (cv2.IMWRITE_WEBP_QUALITY, QUALITY))
