"""The part of a picture that a model is shown to verify a box."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval import videos
from intergeneval.records import Box

MARGIN = 0.08
"""What is shown around the box, in its sides: boxes cut off hands and handles."""
SMALLEST = 112
"""Pixels of the shorter side below which a crop is enlarged: vision models see nothing in a few pixels."""
LARGEST = 768
"""Pixels of the longer side above which it is reduced."""
QUALITY = 92
"""JPEG quality."""


def crop(frame: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    """Return the part of `frame` (H, W, 3) that a box covers, with its margin, at a size that can be looked at."""
    height, width = frame.shape[:2]
    across, down = (box[2] - box[0]) * MARGIN, (box[3] - box[1]) * MARGIN
    left, top = max(0, int(box[0] - across)), max(0, int(box[1] - down))
    right, bottom = min(width, round(box[2] + across + 0.5)), min(height, round(box[3] + down + 0.5))
    part = frame[top : max(bottom, top + 1), left : max(right, left + 1)]
    short, long = min(part.shape[:2]), max(part.shape[:2])
    scale = min(max(1.0, SMALLEST / short), LARGEST / long)
    if scale == 1.0:
        return np.ascontiguousarray(part)
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    resized = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)


def crop_jpeg(frame: npt.NDArray[np.uint8], box: Box) -> bytes:
    """Return that part as a JPEG file."""
    return videos.encode_jpeg(crop(frame, box), QUALITY)
