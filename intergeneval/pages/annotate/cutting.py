"""From a box and scribbles to a mask, at once: by the tracker that cuts boxes out, and by GrabCut where a person scribbled."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask
from intergeneval.masks.writing import encode_picture
from intergeneval.records import Box
from intergeneval.trackers import Segments

Frame = npt.NDArray[np.uint8]
Stroke = Sequence[tuple[float, float]]
"""A line that a person drew: points x, y in pixels."""

_ROUNDS = 3


def cut(segmenter: Segments, frame: Frame, edges: Box) -> Mask:
    """Return the mask (H, W) of what a box holds; empty where nothing was found in it."""
    return np.asarray(segmenter.segment(frame, {"one": edges})["one"], dtype=np.bool_)


def mended(frame: Frame, mask: Mask, edges: Box, plus: Sequence[Stroke], minus: Sequence[Stroke]) -> Mask:
    """Return a mask with what was scribbled taken in (`plus`) and out (`minus`), and what looks like it around.

    Nothing beyond the box joins, but for the scribbles themselves.
    """
    height, width = frame.shape[:2]
    taken, left = _drawn(plus, (height, width)), _drawn(minus, (height, width))
    x0, y0, x1, y1 = (round(value) for value in edges)
    marks = np.full((height, width), cv2.GC_BGD, dtype=np.uint8)
    marks[max(y0, 0) : y1, max(x0, 0) : x1] = cv2.GC_PR_BGD
    marks[mask] = cv2.GC_PR_FGD
    marks[taken] = cv2.GC_FGD
    marks[left] = cv2.GC_BGD
    front = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    if not front.any() or front.all():
        return np.asarray((mask | taken) & ~left)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(np.ascontiguousarray(frame[:, :, ::-1]), marks, None, background, foreground, _ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]  # the stubs forbid None, which the mode is for
    return np.asarray((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD))


def _drawn(strokes: Sequence[Stroke], size: tuple[int, int]) -> Mask:
    drawn = np.zeros(size, dtype=np.uint8)
    thickness = max(3, round(max(size) / 120))
    for stroke in strokes:
        points = np.array([[round(x), round(y)] for x, y in stroke], dtype=np.int32).reshape(-1, 1, 2)
        if len(points):
            cv2.polylines(drawn, [points], isClosed=False, color=1, thickness=thickness)
    return drawn.astype(np.bool_)


def png(mask: Mask) -> str:
    """Return a mask as a PNG data address: white where it is, transparent elsewhere."""
    import base64

    picture = np.zeros((*mask.shape, 4), dtype=np.uint8)
    picture[mask] = 255
    return "data:image/png;base64," + base64.b64encode(encode_picture(picture)).decode("ascii")
