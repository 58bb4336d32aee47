"""From boxes to masks without learned weights: GrabCut (Rother, Kolmogorov, Blake, SIGGRAPH 2004), one box at a time.

What is outside the box is background; inside, colours decide, and cuts follow the edges of the picture. Good enough where a
thing differs from what is around it; a learned segmenter is better everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from intergeneval.masks import Mask
from intergeneval.records import Box
from intergeneval.trackers import Frame

ROUNDS = 5
"""Rounds of colour fitting and cutting."""
MARGIN = 0.5
"""Surroundings that count as background, in sides of the box."""
SIDE = 320
"""Longest side, in pixels, of the part that is cut: more takes long and changes little."""
_SEED = 1
"""Seed of OpenCV's generator, from which the colour clusters start."""


def segment(frame: Frame, boxes: Mapping[str, Box]) -> dict[str, Mask]:
    """Return a mask (H, W) a box, by its name; empty where nothing in the box differs from what is around it."""
    return {name: _cut(frame, box) for name, box in boxes.items()}


def _cut(frame: Frame, box: Box) -> Mask:
    height, width = frame.shape[:2]
    whole: Mask = np.zeros((height, width), dtype=np.bool_)
    x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
    x1, y1 = min(width, round(box[2])), min(height, round(box[3]))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return whole
    across, down = round((x1 - x0) * MARGIN) + 4, round((y1 - y0) * MARGIN) + 4
    left, top, right, bottom = max(0, x0 - across), max(0, y0 - down), min(width, x1 + across), min(height, y1 + down)
    part = frame[top:bottom, left:right]
    scale = min(1.0, SIDE / max(part.shape[:2]))
    size = max(2, round(part.shape[1] * scale)), max(2, round(part.shape[0] * scale))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if scale < 1 else np.ascontiguousarray(part)
    labels = np.full(small.shape[:2], cv2.GC_BGD, dtype=np.uint8)
    rows = slice(round((y0 - top) * scale), max(round((y1 - top) * scale), round((y0 - top) * scale) + 1))
    columns = slice(round((x0 - left) * scale), max(round((x1 - left) * scale), round((x0 - left) * scale) + 1))
    labels[rows, columns] = cv2.GC_PR_FGD
    if (labels == cv2.GC_PR_FGD).all():
        # A box that fills the picture leaves no background to learn from.
        whole[y0:y1, x0:x1] = True
        return whole
    cv2.setRNGSeed(_SEED)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small[:, :, ::-1].copy(), labels, (0, 0, 1, 1), *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    if scale < 1:
        found = np.asarray(cv2.resize(found, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    whole[top:bottom, left:right] = found > 0
    return whole
