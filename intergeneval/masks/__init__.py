"""Instance masks: run-length coding, boxes, areas, overlap, distance and drawing; pure functions on arrays.

A mask is a boolean array of shape (H, W). Stored masks are COCO run-length counts (column-major, compressed to ASCII), the
format of ``pycocotools``, so other tools read our files.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco

from intergeneval.records import Box, Track, TrackState

Mask = npt.NDArray[np.bool_]

AT_HAND = 256
"""Masks whose run lengths are kept: those of a video at its sampled frames."""
_LONGEST = 7
"""Most characters of one number: 35 bits, beyond any picture."""
_FOREIGN = "run-length counts hold a character that is not part of the code"

COLOUR_RGB: dict[str, tuple[int, int, int]] = {
    "red": (230, 25, 45),
    "blue": (20, 100, 240),
    "green": (30, 170, 60),
    "yellow": (250, 215, 0),
    "purple": (140, 40, 190),
    "orange": (245, 130, 20),
    "cyan": (0, 200, 220),
    "pink": (250, 110, 190),
    "magenta": (215, 0, 215),
}
"""Box colour name -> red, green, blue in 0..255."""


def encode(mask: Mask) -> str:
    """Return the COCO run-length counts of a boolean mask (H, W)."""
    counts = coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]
    return str(counts.decode("ascii") if isinstance(counts, bytes) else counts)


def decode(counts: str, size: tuple[int, int], window: tuple[int, int, int, int] | None = None) -> Mask:
    """Return the boolean mask (H, W) of COCO run-length counts; `size` is height, width.

    With `window` (x0, y0, x1, y1 in pixels) only that part of it, which is cheaper where the mask is small.
    Raises ValueError when the counts do not fill exactly that size: stored counts are untrusted, and the C decoder of
    ``pycocotools`` would write past its buffer.
    """
    found = _run_lengths(counts)
    # A run that is longer than the picture alone shows that they do not fill it; without such, the sum cannot leave 64 bits.
    total = int(found.sum()) if found.max(initial=0) <= size[0] * size[1] else sum(found.tolist())
    if total != size[0] * size[1]:
        raise ValueError(f"run-length counts cover {total} pixels, the size {size[0]}x{size[1]} has {size[0] * size[1]}")
    left, top, right, bottom = window or (0, 0, size[1], size[0])
    right = max(min(right, size[1]), left)
    if window is not None:
        # Only the columns that the window crosses are laid out.
        ends = np.minimum(np.maximum(np.cumsum(found), left * size[0]), right * size[0])
        found = ends - np.concatenate(([left * size[0]], ends[:-1]))
    inside = np.zeros(len(found), dtype=np.bool_)
    inside[1::2] = True
    columns = np.repeat(inside, found).reshape(right - left, size[0])
    return np.ascontiguousarray(columns[:, top:bottom].T)


def runs(counts: str) -> list[int]:
    """Return the run lengths behind the ASCII code, background first, in which a mask that begins at once has a run of 0.

    Six bits a character, little end first, each a difference to two before. Raises ValueError for what is no such code.
    """
    return [int(length) for length in _run_lengths(counts).tolist()]


@functools.lru_cache(maxsize=AT_HAND)
def _run_lengths(counts: str) -> npt.NDArray[np.int64]:
    """Return the run lengths (R,) behind the code, all characters at once; read-only, since it is kept for the next who asks.

    A report looks at each mask for its outline and for contact, and what stands still has one mask in many frames.
    """
    try:
        pieces = np.frombuffer(counts.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        raise ValueError(_FOREIGN) from None
    if pieces.size == 0:
        pieces.setflags(write=False)
        return pieces
    if pieces.min() < 0 or pieces.max() >= 64:
        raise ValueError(_FOREIGN)
    ends = np.flatnonzero(pieces < 32)
    if ends.size == 0 or ends[-1] != pieces.size - 1:
        raise ValueError("run-length counts end in the middle of a number")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends + 1 - starts
    if lengths.max() > _LONGEST:
        raise ValueError(_FOREIGN)
    shifts = 5 * (np.arange(pieces.size) - np.repeat(starts, lengths))
    found = np.add.reduceat((pieces & 0x1F) << shifts, starts)
    # The fifth bit of a number's last character is its sign.
    found -= (pieces[ends] >> 4 & 1) << (5 * lengths)
    found[1::2] = np.cumsum(found[1::2])
    found[2::2] = np.cumsum(found[2::2])
    if found.min() < 0:
        raise ValueError("run-length counts hold a negative run")
    found.setflags(write=False)
    return found


def empty(size: tuple[int, int]) -> str:
    """Return the counts of a mask without a pixel, `size` being height, width."""
    return encode(np.zeros(size, dtype=np.bool_))


def box(mask: Mask) -> Box | None:
    """Return the tight box x0, y0, x1, y1 (exclusive ends) of a mask (H, W); None when it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def area(mask: Mask) -> int:
    """Return the number of pixels of a mask."""
    return int(np.count_nonzero(mask))


def iou(first: Mask, second: Mask) -> float:
    """Return intersection over union of two masks of one shape, 0 to 1; two empty masks agree (1)."""
    union = np.count_nonzero(first | second)
    return float(np.count_nonzero(first & second) / union) if union else 1.0


def box_iou(first: Box, second: Box) -> float:
    """Return intersection over union of two boxes, 0 to 1; 0 where neither has an area."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    union = _box_area(first) + _box_area(second) - shared
    return shared / union if union > 0 else 0.0


def _box_area(item: Box) -> float:
    return max(item[2] - item[0], 0.0) * max(item[3] - item[1], 0.0)


def track_of(
    instance_id: str,
    masks: Iterable[Mask],
    states: Sequence[TrackState],
    confidence: Sequence[float],
) -> Track:
    """Build a Track from boolean masks (H, W), one a frame, with the tracker's states and confidences."""
    counts, boxes, areas = [], [], []
    for mask in masks:
        counts.append(encode(mask))
        boxes.append(box(mask))
        areas.append(area(mask))
    return Track(
        instance_id=instance_id,
        masks=tuple(counts),
        boxes=tuple(boxes),
        areas=tuple(areas),
        confidence=tuple(float(value) for value in confidence),
        states=tuple(states),
    )
