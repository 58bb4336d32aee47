"""Where in a frame an instance could be: its last whole shape, laid everywhere over the map of how it looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from intergeneval.masks import Mask, area, box
from intergeneval.trackers import limits
from intergeneval.trackers.appearance import Floats


@dataclass(frozen=True, slots=True)
class Shape:
    """A mask cut out along its box, with where its box lay."""

    mask: Mask
    """The mask inside its box (h, w)."""
    centre: tuple[float, float]
    """Centre of the box in the frame: column, row."""

    @property
    def size(self) -> float:
        """Square root of the area, in pixels."""
        return _size(self.mask)

    def scaled(self, scale: float) -> Mask:
        """Return the cut mask at another size."""
        if scale == 1.0:
            return self.mask
        height, width = (max(1, round(side * scale)) for side in self.mask.shape)
        resized = cv2.resize(self.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        bigger: Mask = resized > 0.5
        return bigger

    def at(self, centre: tuple[float, float], frame: tuple[int, int], scale: float = 1.0) -> Mask:
        """Return the shape laid into an empty frame (H, W) around a centre (column, row); what falls outside is cut off."""
        piece = self.scaled(scale)
        laid = np.zeros(frame, dtype=np.bool_)
        top = round(centre[1] - piece.shape[0] / 2)
        left = round(centre[0] - piece.shape[1] / 2)
        y0, x0 = max(top, 0), max(left, 0)
        y1, x1 = min(top + piece.shape[0], frame[0]), min(left + piece.shape[1], frame[1])
        if y0 < y1 and x0 < x1:
            laid[y0:y1, x0:x1] = piece[y0 - top : y1 - top, x0 - left : x1 - left]
        return laid


@dataclass(frozen=True, slots=True)
class Place:
    """One place where an instance could be."""

    centre: tuple[float, float]
    """Centre of its box: column, row."""
    scale: float
    """Size relative to the shape."""
    response: float
    """Mean foreground probability inside the shape less that around it, -1 to 1."""


def shape_of(mask: Mask) -> Shape | None:
    """Cut a mask (H, W) out along its box; None when it is empty."""
    found = box(mask)
    if found is None:
        return None
    x0, y0, x1, y1 = (int(value) for value in found)
    return Shape(np.ascontiguousarray(mask[y0:y1, x0:x1]), ((x0 + x1) / 2, (y0 + y1) / 2))


def ring(mask: Mask) -> Mask:
    """Return the surroundings of a mask (H, W), RING sizes wide."""
    radius = max(1, round(limits.RING * _size(mask)))
    around: Mask = (cv2.dilate(mask.astype(np.uint8), np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)) > 0) & ~mask
    return around


def contrast(probability: Floats, mask: Mask) -> float:
    """Return mean probability inside a mask less that around it, -1 to 1; 0 where either side is empty."""
    around = ring(mask)
    if not mask.any() or not around.any():
        return 0.0
    return float(probability[mask].mean() - probability[around].mean())


def responses(probability: Floats, shape: Mask) -> Floats:
    """Return the response of a cut-out shape (h, w) centred on every pixel (H, W) of the probability map."""
    radius = max(1, round(limits.RING * _size(shape)))
    # An odd side puts the kernel's anchor on its centre.
    inside = np.pad(shape, ((radius, radius + 1 - shape.shape[0] % 2), (radius, radius + 1 - shape.shape[1] % 2)))
    around = ring(inside)
    kernel = inside / max(area(inside), 1) - around / max(area(around), 1)
    answer = cv2.filter2D(probability, cv2.CV_32F, kernel.astype(np.float32), borderType=cv2.BORDER_REPLICATE)
    return answer.astype(np.float32, copy=False)


class Search:
    """The responses of one shape over one frame, at several scales."""

    def __init__(self, probability: Floats, shape: Shape) -> None:
        self._step = max(1, int(shape.size / limits.SEARCH_GRAIN))
        height, width = (max(1, side // self._step) for side in probability.shape)
        coarse = cv2.resize(probability, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
        self._box = (shape.mask.shape[0] // self._step + 1, shape.mask.shape[1] // self._step + 1)
        self._maps = np.stack([responses(coarse, shape.scaled(scale / self._step)) for scale in limits.SEARCH_SCALES])
        self._best = self._maps.max(axis=0)

    def places(self) -> tuple[Place, Place]:
        """Return the best place and its strongest rival at least a box away."""
        rest = self._best.copy()
        height, width = self._box
        found = []
        for _ in range(2):
            row, column = (int(value) for value in np.unravel_index(int(rest.argmax()), rest.shape))
            scale = limits.SEARCH_SCALES[int(self._maps[:, row, column].argmax())]
            centre = ((column + 0.5) * self._step, (row + 0.5) * self._step)
            found.append(Place(centre, scale, float(rest[row, column])))
            rest[max(0, row - height) : row + height + 1, max(0, column - width) : column + width + 1] = -2.0
        return found[0], found[1]


def _size(mask: Mask) -> float:
    return math.sqrt(area(mask))
