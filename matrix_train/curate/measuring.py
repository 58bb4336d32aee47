"""What is measured of the frames of a clip: how light it is, how much moves, how much looks like writing, and its fingerprint."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.videos import Frame

Grey = npt.NDArray[np.uint8]

_BLOCKS = 16
LEAST_CHANGE = 1.5
"""Grey levels by which the mean of a block of the picture must change for anything to have moved: encoders do less."""
_TEXT_WIDTH = 480
"""Width at which writing is looked for, in pixels."""
BITS = 256
"""Bits of a fingerprint of one frame."""
_HASHED = 32
CELLS = 6
"""Cells of the grid in which colours are told, a side."""


def small_grey(frame: Frame) -> npt.NDArray[np.float32]:
    """Return the mean grey of 16 x 16 blocks of a frame (H, W, 3), values 0 to 255."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA), dtype=np.float32)


def change(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Return by how much the block that changes most does, in grey levels."""
    return float(np.abs(one - other).max())


def lightness(frame: Frame) -> float:
    """Return the mean lightness of a frame (H, W, 3), 0 to 1."""
    return float(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).mean() / 255)


def writing(frame: Frame) -> float:
    """Return the share of a frame (H, W, 3) that is covered by lines of what looks like writing, 0 to 1.

    Writing is where strokes of strong contrast follow one another along a line, densely and in rows of one height: edges of the
    picture are joined along rows, and a piece counts that is flat, well filled, and crossed by many upright strokes.
    """
    height, width = frame.shape[:2]
    scale = _TEXT_WIDTH / width
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.resize(grey, (_TEXT_WIDTH, max(1, round(height * scale))), interpolation=way)
    cross = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, cross)
    strong = (edges >= 48).astype(np.uint8)
    joined = cv2.morphologyEx(strong, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (9, 1)))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (5, 3)))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    upright = np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1)) >= 40
    covered = 0
    for left, top, wide, high, area in stats[1:]:
        if high < 6 or high > 0.3 * grey.shape[0] or wide < 1.5 * high or area < 0.45 * wide * high:
            continue
        strokes = upright[top : top + high, left : left + wide]
        # Along each row, how often an edge begins: letters have about two strokes for each of their heights.
        begun = np.diff(strokes.astype(np.int8), axis=1, prepend=0) > 0
        if begun.sum(axis=1).mean() * high >= 0.9 * wide:
            covered += int(wide * high)
    return covered / grey.size


def fingerprint(frame: Frame) -> npt.NDArray[np.bool_]:
    """Return the perceptual hash of a frame (H, W, 3), 256 bits: which of its slow changes are above the middle one.

    It stays much the same when a frame is scaled, made lighter or darker, or encoded again.
    """
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_HASHED * 2, _HASHED * 2), interpolation=cv2.INTER_AREA).astype(np.float32)
    slow = cv2.dct(small)[:16, :16].ravel()
    return np.asarray(slow > np.median(slow[1:]))


def colours(frame: Frame) -> npt.NDArray[np.float32]:
    """Return the colour of 6 x 6 cells of a frame (H, W, 3): a and b of CIE Lab, shape (6, 6, 2)."""
    small = cv2.resize(frame, (CELLS * 8, CELLS * 8), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 1:]
    return np.asarray(cv2.resize(lab, (CELLS, CELLS), interpolation=cv2.INTER_AREA), dtype=np.float32)
