"""What an empty mask means: the protocol's rule for visible, left, occluded and vanished (section 1), from masks alone.

The rule, per instance and frame:

- a mask with a pixel is `visible`;
- `lost` is what the tracker says where it makes no statement; it is taken over, not derived;
- an empty mask is `left` when the last box lay at the border and was moving out over it;
- otherwise `occluded` while another tracked instance covers the last place;
- otherwise `vanished`.

`left` and `vanished` hold until the instance is seen again: a thing that is not there when its cover moves away has vanished from
that frame on, whoever walks over the place later. An instance that was never seen has vanished.

Motion is measured per frame that went by. Of a thing seen for a single frame after a gap, it comes from the boxes before the gap
too, unless the thing turned up where that motion cannot have carried it; from the second frame on, the new boxes alone tell.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

import cv2
import numpy as np

from intergeneval.masks import Mask, area, box
from intergeneval.records import Box, TrackState

MOTION_FRAMES = 5
"""Visible frames, up to the last, over which the motion of a box is measured."""
GAP_SIDES = 1.0
"""How far, in sides of its box a frame, a thing may be from where its motion led when it is seen again; beyond, it jumped."""
BORDER_GAP = 0.03
"""A box is at a border when its gap to it is below this share of its side across that border (never below 2 px) ..."""
BORDER_GAP_MIN = 2.0
"""... in pixels; a box that would reach the border within its next step is at the border too."""
EXIT_TRAVEL = 0.02
"""Travel of the trailing edge towards the border, in sides of the box a frame, from which it counts as moving out."""
COVER_SHARE = 0.5
"""Share of the last place that other instances must cover to hide an instance."""
COVER_MARGIN = 0.05
"""Other instances are grown by this share of the instance's size (square root of its area): masks leave seams between them."""

Seen = tuple[int, Box]
"""Index of a frame, and the box that an instance had in it."""


class StateRule:
    """Applies the rule frame by frame; holds a few boxes and one mask an instance, however long the video is."""

    def __init__(self, instance_ids: Iterable[str], anchors: Mapping[str, Mask] | None = None) -> None:
        """`anchors` are first-frame masks (H, W): the last place of an instance whose own first mask is empty."""
        self._past = {name: _Past() for name in instance_ids}
        for name, mask in (anchors or {}).items():
            if name in self._past:
                self._past[name].start(mask)

    def expected(self, name: str, others: Iterable[Mask]) -> TrackState:
        """Return the state that an empty mask of this instance would get beside the others' masks; nothing is remembered."""
        return self._past[name].judged([item for item in others if item.any()])

    def step(self, masks: Mapping[str, Mask], lost: Collection[str] = ()) -> dict[str, TrackState]:
        """Return the state of every instance for the next frame, from its masks (H, W), one an instance.

        `lost` names the instances of which the tracker makes no statement; their masks must be empty (ValueError).
        """
        states: dict[str, TrackState] = {}
        for name, past in self._past.items():
            mask = masks[name]
            if mask.any():
                if name in lost:
                    raise ValueError(f"instance {name!r} is lost and has a mask: one of the two cannot be")
                past.see(mask)
                states[name] = TrackState.VISIBLE
            elif name in lost:
                past.lose()
                states[name] = TrackState.LOST
            else:
                others = [item for other, item in masks.items() if other != name and item.any()]
                states[name] = past.unseen(others)
        return states


class _Past:
    """What is remembered of one instance: its last mask, the boxes up to it, and what was settled since."""

    def __init__(self) -> None:
        self.seen: deque[Seen] = deque(maxlen=MOTION_FRAMES)
        self.mask: Mask | None = None
        self.settled: TrackState | None = None
        self._frame = 0

    def start(self, mask: Mask) -> None:
        """Take the first frame's mask from elsewhere; the one that the tracker gives for that frame replaces it."""
        self._take(mask, 0)

    def see(self, mask: Mask) -> None:
        self._take(mask, self._frame)
        self._frame += 1

    def lose(self) -> None:
        self.settled = None
        self._frame += 1

    def unseen(self, others: list[Mask]) -> TrackState:
        state = self.judged(others)
        self._frame += 1
        if state is not TrackState.OCCLUDED:
            self.settled = state
        return state

    def _take(self, mask: Mask, frame: int) -> None:
        current = box(mask)
        if current is None:
            return
        if self.seen and self.seen[-1][0] == frame:
            self.seen.pop()
        if self.seen and self._is_new_start(frame, current):
            self.seen.clear()
        elif len(self.seen) > 1 and self.seen[-1][0] - self.seen[-2][0] > 1 and frame - self.seen[-1][0] == 1:
            # The second box after a gap: from here on the motion is known without the boxes before it.
            self.seen = deque([self.seen[-1]], maxlen=MOTION_FRAMES)
        self.seen.append((frame, current))
        self.mask, self.settled = mask, None

    def _is_new_start(self, frame: int, current: Box) -> bool:
        return frame - self.seen[-1][0] > 1 and jumped(list(self.seen), frame, current)

    def judged(self, others: list[Mask]) -> TrackState:
        if self.settled is not None:
            return self.settled
        if self.mask is None:
            return TrackState.VANISHED
        seen = list(self.seen)
        if moving_out(seen, self.mask.shape):
            return TrackState.LEFT
        if covered_share(self.mask, seen, others) >= COVER_SHARE:
            return TrackState.OCCLUDED
        return TrackState.VANISHED


def motion(seen: list[Seen]) -> tuple[float, float, float, float]:
    """Return the mean step a frame of x0, y0, x1, y1 from the first of the boxes to the last, in pixels; zeros for one box."""
    if len(seen) < 2:
        return 0.0, 0.0, 0.0, 0.0
    (start, first), (end, last) = seen[0], seen[-1]
    steps = np.subtract(last, first) / (end - start)
    return float(steps[0]), float(steps[1]), float(steps[2]), float(steps[3])


def jumped(seen: list[Seen], frame: int, current: Box) -> bool:
    """Return whether a box seen after a gap lies too far from where the motion before the gap led.

    Of two opposite edges the nearer one counts: a border or a cover cuts off the other.
    """
    last, place = seen[-1]
    gap = frame - last
    off = np.abs(np.subtract(current, np.add(place, np.multiply(motion(seen), gap))))
    sides = [max(one[high] - one[low] for one in (place, current)) for low, high in ((0, 2), (1, 3))]
    return any(min(off[axis], off[axis + 2]) > GAP_SIDES * gap * sides[axis] for axis in (0, 1))


def moving_out(seen: list[Seen], shape: tuple[int, ...]) -> bool:
    """Return whether the last of the boxes is at a border of a frame of that shape (H, W, ...) and moves out over it.

    The trailing edge tells the motion: the leading one is cut off by the border and stands still.
    """
    x0, y0, x1, y1 = seen[-1][1]
    step = motion(seen)
    height, width = shape[:2]
    sides = (
        (x0, x1 - x0, -step[2], -step[0]),
        (y0, y1 - y0, -step[3], -step[1]),
        (width - x1, x1 - x0, step[0], step[2]),
        (height - y1, y1 - y0, step[1], step[3]),
    )
    for gap, side, trailing, leading in sides:
        near = max(BORDER_GAP_MIN, BORDER_GAP * side, min(trailing, leading))
        if gap <= near and trailing > EXIT_TRAVEL * side:
            return True
    return False


def covered_share(mask: Mask, seen: list[Seen], others: list[Mask]) -> float:
    """Return the share (0 to 1) of an instance's last place that the other masks cover.

    The place is the last mask, or that mask one step further along its motion, whichever is covered more: of a thing that slides
    behind another the last mask is a sliver just beside the cover. Each axis takes the faster edge, the cut one lags behind.
    """
    if not others:
        return 0.0
    cover = np.logical_or.reduce(others)
    margin = max(1, round(COVER_MARGIN * float(np.sqrt(area(mask)))))
    grown = cv2.dilate(cover.astype(np.uint8), np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)).astype(np.bool_)
    rows, columns = np.nonzero(mask)
    step = motion(seen)
    right = max(step[0], step[2], key=abs)
    down = max(step[1], step[3], key=abs)
    height, width = mask.shape
    moved_rows = np.clip(rows + round(down), 0, height - 1)
    moved_columns = np.clip(columns + round(right), 0, width - 1)
    return float(max(grown[rows, columns].mean(), grown[moved_rows, moved_columns].mean()))
