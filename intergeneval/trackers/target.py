"""What tracker ``flow`` remembers of one instance, and how much it believes a mask that is said to be that instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask, area, iou
from intergeneval.trackers import limits
from intergeneval.trackers.appearance import Bins, Floats, agreement, colour_bins, histogram, log_ratio
from intergeneval.trackers.search import Shape, align, contrast, shape_of


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame at working size."""

    grey: npt.NDArray[np.uint8]
    """Luma (H, W)."""
    bins: Bins
    """Colour bin of each pixel (H, W)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a mask, each from 0 (against) to 1 (nothing against)."""

    colour: float
    """Agreement of its colours with the anchor's."""
    contrast: float
    """How it stands out from its surroundings."""
    shape: float
    """Agreement with the last whole shape and area; 1 where a border or another instance cuts it."""

    @property
    def confidence(self) -> float:
        """The weakest of them: a thing of the right colour in a wrong shape is not half believed."""
        return min(self.colour, self.contrast, self.shape)


class Target:
    """One instance: how it looked first and lately, its last whole shape, where it is and how it moves."""

    def __init__(self, name: str, mask: Mask, picture: Picture) -> None:
        """`mask` is its part of the first frame (H, W) at working size, not empty."""
        whole = shape_of(mask)
        if whole is None:
            raise ValueError(f"instance {name!r} has no pixel at working size")
        self.name = name
        self.anchor = histogram(picture.bins, mask)
        self.recent = self.anchor
        self.whole: Shape = whole
        self.whole_area = float(area(mask))
        self.mask = mask
        self.seen = True
        self.velocity = (0.0, 0.0)
        self.weight = float(area(mask))
        self.anchor_response = 0.0
        self.before: Floats = np.zeros(mask.shape, dtype=np.float32)
        height, width = mask.shape
        self.searchable = max(whole.mask.shape[0] / height, whole.mask.shape[1] / width) <= limits.SEARCH_SPAN

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the last box: column, row."""
        return self._place.centre

    @property
    def colours(self) -> Floats:
        """Its colour distribution, anchor and recent mixed while it is seen; the anchor alone once it was lost."""
        if not self.seen:
            return self.anchor
        return (1 - limits.RECENT_WEIGHT) * self.anchor + limits.RECENT_WEIGHT * self.recent

    @property
    def _place(self) -> Shape:
        found = shape_of(self.mask)
        return found if found is not None else self.whole

    def ratio(self, picture: Picture, scene: Floats, others: Sequence[Target]) -> Floats:
        """Return the clipped log ratio (H, W) of each pixel's colour: this instance over scene and the other instances."""
        rest = scene + sum((item.weight * item.colours for item in others), np.zeros_like(scene))
        table = log_ratio(self.colours, (rest / rest.sum()).astype(np.float32))
        clipped: Floats = np.clip(table, -limits.COLOUR_CLIP, limits.COLOUR_CLIP)[picture.bins]
        return clipped

    def remember(self, probability: Floats) -> None:
        """Keep the foreground probability (H, W) of the last frame in which the instance is seen."""
        if self.seen:
            self.before = probability

    def is_new(self, place: Mask, probability: Floats) -> bool:
        """Return whether a place (H, W) that looks like the instance now did not when it was last seen, elsewhere."""
        apart = place & ~self.mask
        if np.count_nonzero(apart) < 0.5 * np.count_nonzero(place):
            return True
        return float(self.before[apart].mean()) < limits.NEW_SHARE * float(probability[apart].mean())

    def lay(self, mask: Mask, others: Sequence[Mask]) -> Mask:
        """Return the last whole shape (H, W) laid over a mask of it, hidden parts behind the other instances."""
        free = ~np.logical_or.reduce([mask, *others])
        return self.whole.at(align(self.whole, mask, free), (mask.shape[0], mask.shape[1]))

    def judge(self, mask: Mask, picture: Picture, probability: Floats, others: Sequence[Mask]) -> Evidence:
        """Weigh a mask (H, W) that is said to be this instance; `others` are the masks of the other instances."""
        if area(mask) < limits.MIN_AREA:
            return Evidence(0.0, 0.0, 0.0)
        part = max(float(np.sqrt(min(area(mask) / self.whole_area, 1.0))), limits.AGREE_PART)
        colour = agreement(histogram(picture.bins, mask), self.anchor) / part
        apart = contrast(probability, mask)
        hidden = np.logical_or.reduce(others) if others else np.zeros_like(mask)
        alike = iou(self.lay(mask, others) & ~hidden, mask)
        return Evidence(
            _ramp(colour, limits.AGREE_LOW, limits.AGREE_HIGH),
            _ramp(apart, limits.CONTRAST_LOW, limits.CONTRAST_HIGH),
            _ramp(alike, limits.SHAPE_LOW, limits.SHAPE_HIGH),
        )

    def accept(self, mask: Mask, picture: Picture, evidence: Evidence, others: Sequence[Mask]) -> None:
        """Take a mask as the instance in this frame and learn from it as far as it is believed."""
        centre = _centre(mask)
        before = self.centre
        self.velocity = (centre[0] - before[0], centre[1] - before[1]) if self.seen else (0.0, 0.0)
        self.mask, self.seen = mask, True
        if evidence.confidence >= limits.REGAIN:
            rate = limits.RECENT_RATE
            core = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            if area(core) >= limits.MIN_AREA:
                self.recent = ((1 - rate) * self.recent + rate * histogram(picture.bins, core)).astype(np.float32)
            # What others hide of it is kept from before; what is seen is taken as it is now.
            hidden = np.logical_or.reduce(others) if others else np.zeros_like(mask)
            merged = mask | (self.lay(mask, others) & hidden)
            ratio = area(merged) / self.whole_area
            if limits.WHOLE_SHARE <= ratio <= 1 / limits.WHOLE_SHARE:
                self.whole = shape_of(merged) or self.whole
                self.whole_area = max(area(merged), limits.WHOLE_FADE * self.whole_area)

    def miss(self) -> None:
        """Note that it is not seen in this frame; its last mask stays as its last place."""
        self.seen = False
        self.velocity = (0.0, 0.0)


def picture_of(frame: npt.NDArray[np.uint8], grey: npt.NDArray[np.uint8]) -> Picture:
    """Return the picture of an RGB frame (H, W, 3) and its luma at working size."""
    return Picture(grey, colour_bins(frame))


def _centre(mask: Mask) -> tuple[float, float]:
    found = shape_of(mask)
    assert found is not None
    return found.centre


def _ramp(value: float, low: float, high: float) -> float:
    return float(min(max((value - low) / (high - low), 0.0), 1.0))
