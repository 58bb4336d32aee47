"""Shot cuts: frames at which a video goes on with another shot, found while it is walked through.

Two frames are first held against each other as content detectors do it, by their mean difference in hue, saturation and
lightness. Only where that is large, and larger than what went on before, is looked closer: whether patches of the one frame are
found anywhere near in the other. A pan, a fast thing, a change of light or an explosion keep most patches; a cut keeps few. What
a flash hides for a few frames is found again behind it, and is no cut. Nothing is drawn by chance.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.videos.pixels import Frame

WIDTH = 160
"""Longest side of the frames that are compared, in pixels."""
CONTENT = 9.0
"""Mean difference of hue, saturation and lightness (0 to 255) below which nothing is looked at."""
ABOVE = 2.0
"""... and how many times the median of the steps before it must be: a scene that flickers all along has no cut at each frame."""
PATCH = 24
"""Side of the patches that are looked for, in pixels of the small frame."""
REACH = 28
"""How far from its place a patch is looked for, in pixels of the small frame: a sixth of the width in one step."""
FOUND = 0.85
"""Correlation from which a patch is found again."""
TEXTURE = 5.0
"""Standard deviation in grey levels from which a patch can be looked for."""
KEPT = 0.36
"""Share of the patches that must be found again for the shot to go on: in 22 real videos .43 at least where much moves, while of
330 changes from one of them to another scene none keeps more than .29."""
LEAST = 6
"""Patches that must be worth looking for; a frame with fewer (black, white, a plain wall) is passed over."""
FLASH = 3
"""Frames that a flash may last."""
Small = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
"""A small frame in HSV and in grey."""


class CutWatch:
    """Sees the frames of one video in order, a few small ones of which it keeps."""

    def __init__(self) -> None:
        self._count = 0
        self._before: Small | None = None
        self._told: Small | None = None
        self._steps: deque[float] = deque(maxlen=8)
        self._open: tuple[int, Small] | None = None
        self._cuts: list[int] = []

    @property
    def cuts(self) -> tuple[int, ...]:
        """The frames at which another shot begins, among those seen; one that may yet be a flash counts."""
        return (*self._cuts, *([self._open[0]] if self._open is not None else []))

    def see(self, frame: Frame) -> None:
        """Take the next frame, RGB uint8 (H, W, 3)."""
        now = _small(frame)
        telling = _textured(now[1]) >= LEAST
        if self._before is not None and self._told is not None and telling:
            self._step(self._before, self._told, now)
        self._before = now
        if telling:
            # A black, white or plain frame between two shots must not stand for the first of them.
            self._told = now
        self._count += 1

    def _step(self, before: Small, told: Small, now: Small) -> None:
        change = float(cv2.absdiff(told[0], now[0]).mean())
        usual = float(np.median(self._steps)) if self._steps else 0.0
        self._steps.append(float(cv2.absdiff(before[0], now[0]).mean()))
        if self._open is not None:
            at, last = self._open
            # What was there before the change is there again: it was a flash.
            if kept(last[1], now[1]) >= KEPT:
                self._open = None
            elif self._count - at >= FLASH:
                self._cuts.append(at)
                self._open = None
        elif change >= CONTENT and change >= ABOVE * usual and kept(told[1], now[1]) < KEPT:
            self._open = (self._count, told)


def kept(before: npt.NDArray[np.uint8], now: npt.NDArray[np.uint8]) -> float:
    """Return the larger share, of the two ways, of textured patches of one grey frame that are found in the other, 0 to 1.

    Two ways, since a thing that fills the picture hides what was there, and uncovers it when it goes. A frame with too little in
    it to look for says nothing: 1.
    """
    return max(_found(before, now), _found(now, before))


def _found(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    height, width = one.shape
    hits = looked = 0
    for top in range(0, height - PATCH + 1, PATCH):
        for left in range(0, width - PATCH + 1, PATCH):
            patch = one[top : top + PATCH, left : left + PATCH]
            if patch.std() < TEXTURE:
                continue
            looked += 1
            window = other[max(0, top - REACH) : top + PATCH + REACH, max(0, left - REACH) : left + PATCH + REACH]
            hits += float(cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED).max()) >= FOUND
    return hits / looked if looked >= LEAST else 1.0


def _textured(grey: npt.NDArray[np.uint8]) -> int:
    """Return how many patches of a grey frame are worth looking for."""
    height, width = grey.shape
    rows, columns = height // PATCH, width // PATCH
    patches = grey[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
    return int(np.count_nonzero(patches.std(axis=(1, 3)) >= TEXTURE))


def _small(frame: Frame) -> Small:
    height, width = frame.shape[:2]
    scale = min(1.0, WIDTH / max(height, width))
    size = (max(PATCH, round(width * scale)), max(PATCH, round(height * scale)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2HSV)), np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
