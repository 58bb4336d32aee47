"""What tracker ``flow`` remembers of one instance, and what speaks for a mask that is said to be that instance.

Everything here is at the size at which looks are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intergeneval.masks import Mask, area
from intergeneval.trackers import limits
from intergeneval.trackers.appearance import Bins, Floats, Owners, agreement, histogram
from intergeneval.trackers.confidence import Evidence
from intergeneval.trackers.search import Search, Shape, contrast, ring, shape_of


@dataclass(frozen=True, slots=True)
class View:
    """One frame as looks see it."""

    bins: Bins
    """Colour bin of each pixel (H, W)."""
    beliefs: Floats
    """Whose each pixel looks to be by the first frame alone (kinds, H, W)."""
    owners: Owners
    """Number of the instance that each pixel is given to (H, W), 0 for the ground."""
    rooted: Floats
    """How firmly owners were handed down from the first frame (H, W)."""


class Target:
    """One instance: how it looked first and lately, its last whole shape, and where it was last seen."""

    def __init__(self, name: str, index: int, mask: Mask, view: View) -> None:
        """`index` is its number among the owners; `mask` is its part of the first frame (H, W), not empty."""
        whole = shape_of(mask)
        if whole is None:
            raise ValueError(f"instance {name!r} has no pixel at the size at which looks are compared")
        self.name, self.index = name, index
        self.anchor = histogram(view.bins, mask)
        self.recent = self.anchor
        self.whole: Shape = whole
        self.whole_area = float(area(mask))
        self.mask = mask
        self.seen = True
        self.gap = 0
        belief = view.beliefs[index]
        self.own_belief = float(belief[mask].mean())
        self.own_response = contrast(belief, mask)
        self.before: Floats = belief
        height, width = mask.shape
        self.searchable = max(whole.mask.shape[0] / height, whole.mask.shape[1] / width) <= limits.SEARCH_SPAN

    def weigh(self, mask: Mask, view: View) -> Evidence:
        """Return what speaks for a mask (H, W), not empty, that is said to be this instance."""
        belief, size = view.beliefs[self.index], float(area(mask))
        part = max(float(np.sqrt(min(size / self.whole_area, 1.0))), limits.AGREE_PART)
        lately = (1 - limits.RECENT_WEIGHT) * self.anchor + limits.RECENT_WEIGHT * self.recent
        return Evidence(
            colour=min(agreement(histogram(view.bins, mask), lately) / part, 1.0),
            look=_relative(float(belief[mask].mean()), self.own_belief),
            contrast=_relative(contrast(belief, mask), self.own_response),
            size=self._size(mask, view.owners),
            part=min(size / self.whole_area, 1.0),
            rooted=float(view.rooted[mask].mean()),
        )

    def _size(self, mask: Mask, owners: Owners) -> float:
        """Return how well its area fits, 0 to 1: what another instance or the border may hide of it does not count against it."""
        size = float(area(mask))
        if size >= self.whole_area:
            return self.whole_area / size
        around = owners[ring(mask)]
        beside = float(((around != 0) & (around != self.index)).mean()) if around.size else 0.0
        rim = area(mask[[0, -1]]) + area(mask[:, [0, -1]])
        excuse = min(1.0, limits.HIDING * (beside + rim / (4 * float(np.sqrt(size)))))
        return 1 - (1 - size / self.whole_area) * (1 - excuse)

    def accept(self, mask: Mask, view: View, confidence: float) -> None:
        """Take a mask as the instance in this frame and learn from it where it is trusted."""
        self.mask, self.seen, self.gap = mask, True, 0
        self.before = view.beliefs[self.index]
        if confidence < limits.REGAIN:
            return
        rate = np.float32(limits.RECENT_RATE)
        self.recent = self.recent + rate * (histogram(view.bins, mask) - self.recent)
        if limits.WHOLE_SHARE <= area(mask) / self.whole_area <= 1 / limits.WHOLE_SHARE:
            self.whole = shape_of(mask) or self.whole
            self.whole_area = max(float(area(mask)), limits.WHOLE_FADE * self.whole_area)

    def miss(self) -> None:
        """Note that it is not seen in this frame; its last mask stays as its last place."""
        self.seen = False
        self.gap += 1

    def sought(self, belief: Floats) -> Mask | None:
        """Return the one place (H, W) that looks like it, has no rival, is within reach, and did not look so before; or None."""
        if not self.searchable:
            return None
        best, rival = Search(belief, self.whole).places()
        if best.response < limits.REGAIN_RESPONSE * self.own_response or rival.response > best.response - limits.RIVAL_GAP:
            return None
        last = shape_of(self.mask) or self.whole
        reach = (limits.SEARCH_REACH + limits.SEARCH_SPEED * self.gap) * self.whole.size
        if np.hypot(*np.subtract(best.centre, last.centre)) > reach:
            return None
        found = self.whole.at(best.centre, (belief.shape[0], belief.shape[1]), best.scale)
        return found if self._is_new(found, belief) else None

    def shows(self, belief: Floats) -> bool:
        """Return whether some place of the frame looks so much like it that nobody can say it is hidden."""
        if not self.searchable:
            return False
        best, _ = Search(belief, self.whole).places()
        return best.response >= limits.SHOWS * self.own_response

    def absent(self, belief: Floats) -> bool:
        """Return whether its last place is seen to be empty and no place of the frame is similar: then it has vanished."""
        was_whole = area(self.mask) >= limits.ABSENT_WHOLE * self.whole_area
        if not was_whole or not self.searchable or float(belief[self.mask].mean()) > limits.ABSENT_HERE:
            return False
        best, _ = Search(belief, self.whole).places()
        return best.response < limits.ABSENT_ELSEWHERE * self.own_response

    def _is_new(self, place: Mask, belief: Floats) -> bool:
        """Return whether a place (H, W) that looks like the instance now did not when it was last seen, elsewhere."""
        apart = place & ~self.mask
        if np.count_nonzero(apart) < 0.5 * np.count_nonzero(place):
            return True
        return float(self.before[apart].mean()) < limits.NEW_SHARE * float(belief[apart].mean())


def _relative(value: float, own: float) -> float:
    """Return a response relative to the anchor's own, 0 to 1."""
    damp = limits.LOOK_DAMP
    return min(max((value + damp) / (max(own, 0.0) + damp), 0.0), 1.0)
