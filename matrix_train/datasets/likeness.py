"""Which clips show the same: perceptual hashes of a few frames, and the pairs whose hashes differ in few bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.errors import ConfigError
from intergeneval.videos import Frame, Reader
from matrix_train.data.clips import Clip, inside

Bits = npt.NDArray[np.uint8]
"""Hashes as packed bits, shape (clips, bytes)."""
FIELD = "hash"
"""Field of a clip's line that holds its hash as hex digits, where another tool has written one."""
FRAMES = 4
"""Frames of a clip that are hashed, evenly spread from the first to the last."""
DISTANCE = 0.12
"""Share of the bits in which two clips may differ and still show the same."""
_SIDE, _KEPT = 32, 8
_BLOCK = 1024
_ONES = np.array([value.bit_count() for value in range(256)], dtype=np.uint16)


def hashes_of(root: Path, clips: Sequence[Clip], report: Callable[[int, int, str], None] = lambda *_: None) -> Bits:
    """Return a hash of each clip: what its line says under ``hash`` where all clips have one of a length, else of its frames.

    `report` is told (done, all, clip id) for each video that is opened. Raises ConfigError for a hash that is none, and
    MediaError for a video that cannot be read.
    """
    told = [clip.said(FIELD) for clip in clips]
    if all(isinstance(text, str) and text for text in told) and len({len(text) for text in told}) == 1:
        try:
            return np.array([list(bytes.fromhex(text)) for text in told], dtype=np.uint8)
        except ValueError:
            raise ConfigError(f"{root}: the field {FIELD!r} of a clip is not made of pairs of hex digits") from None
    found = []
    for done, clip in enumerate(clips, 1):
        found.append(video_hash(inside(root, clip.video, "video")))
        report(done, len(clips), clip.id)
    return np.stack(found)


def video_hash(path: Path) -> npt.NDArray[np.uint8]:
    """Return the perceptual hash of a video, 64 bits for each of four frames, packed. Raises MediaError."""
    reader = Reader(path, keep=False)
    # Frames are few enough that all are made small; how many there are is certain only at the end.
    small = [_small(frame) for frame in reader]
    chosen = [round(place * (len(small) - 1) / (FRAMES - 1)) for place in range(FRAMES)]
    return np.packbits(np.concatenate([_frame_bits(small[index]) for index in chosen]))


def _small(frame: Frame) -> npt.NDArray[np.float32]:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _frame_bits(small: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return 64 bits: which of the lowest frequencies lie above their median; the mean brightness is none of them."""
    low = np.asarray(cv2.dct(small))[:_KEPT, :_KEPT].flatten()
    return np.asarray(low > np.median(low[1:]), dtype=np.bool_)


def alike(hashes: Bits, distance: float) -> Iterator[tuple[int, int]]:
    """Give each pair of clips, the earlier first, whose hashes differ in at most the share `distance` of their bits.

    Takes time with the square of the clips, in blocks of bounded memory.
    """
    most = int(distance * hashes.shape[1] * 8)
    set_ = _ONES[hashes].sum(axis=1, dtype=np.int64)
    for start in range(0, len(hashes), _BLOCK):
        own = _unpacked(hashes[start : start + _BLOCK])
        for other in range(start, len(hashes), _BLOCK):
            # Bits that differ are those set in either without those set in both, and a product of matrices counts the latter.
            both = own @ _unpacked(hashes[other : other + _BLOCK]).T
            apart = set_[start : start + _BLOCK, None] + set_[None, other : other + _BLOCK] - 2 * both
            for first, second in np.argwhere(apart <= most).tolist():
                if start + first < other + second:
                    yield start + first, other + second


def _unpacked(hashes: Bits) -> npt.NDArray[np.float32]:
    return np.unpackbits(hashes, axis=1).astype(np.float32)
