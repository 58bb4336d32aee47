"""What an empty mask means: the protocol's rule for visible, left, occluded and vanished (section 1), from masks alone.

The rule, per instance and frame:

- a mask with a pixel is `visible`;
- `lost` is what the tracker says where it makes no statement; it is taken over, not derived;
- an empty mask is `left` when the last box lay at the border and was moving out over it;
- otherwise `occluded` while another tracked instance covers the last place;
- otherwise `vanished`.

`left` and `vanished` hold until the instance is seen again: a thing that is not there when its cover moves away has vanished from
that frame on, whoever walks over the place later. An instance that was never seen has vanished.
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


class StateRule:
    """Applies the rule frame by frame; holds a few boxes and one mask an instance, however long the video is."""

    def __init__(self, instance_ids: Iterable[str], anchors: Mapping[str, Mask] | None = None) -> None:
        """`anchors` are first-frame masks (H, W): the last place of an instance whose own first mask is empty."""
        self._past = {name: _Past() for name in instance_ids}
        for name, mask in (anchors or {}).items():
            if name in self._past:
                self._past[name].see(mask)

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
        self.boxes: deque[Box] = deque(maxlen=MOTION_FRAMES)
        self.mask: Mask | None = None
        self.settled: TrackState | None = None
        self._gone = False

    def see(self, mask: Mask) -> None:
        current = box(mask)
        if current is None:
            return
        if self._gone:
            self.boxes.clear()
        self.boxes.append(current)
        self.mask, self.settled, self._gone = mask, None, False

    def lose(self) -> None:
        self.settled, self._gone = None, True

    def unseen(self, others: list[Mask]) -> TrackState:
        state = self.judged(others)
        self._gone = True
        if state is not TrackState.OCCLUDED:
            self.settled = state
        return state

    def judged(self, others: list[Mask]) -> TrackState:
        if self.settled is not None:
            return self.settled
        if self.mask is None:
            return TrackState.VANISHED
        if moving_out(list(self.boxes), self.mask.shape):
            return TrackState.LEFT
        if covered_share(self.mask, list(self.boxes), others) >= COVER_SHARE:
            return TrackState.OCCLUDED
        return TrackState.VANISHED


def motion(boxes: list[Box]) -> tuple[float, float, float, float]:
    """Return the mean step a frame of x0, y0, x1, y1 over the boxes of successive frames, in pixels; zeros for one box."""
    if len(boxes) < 2:
        return 0.0, 0.0, 0.0, 0.0
    steps = np.subtract(boxes[-1], boxes[0]) / (len(boxes) - 1)
    return float(steps[0]), float(steps[1]), float(steps[2]), float(steps[3])


def moving_out(boxes: list[Box], shape: tuple[int, ...]) -> bool:
    """Return whether the last of the boxes is at a border of a frame of that shape (H, W, ...) and moves out over it.

    The trailing edge tells the motion: the leading one is cut off by the border and stands still.
    """
    x0, y0, x1, y1 = boxes[-1]
    step = motion(boxes)
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


def covered_share(mask: Mask, boxes: list[Box], others: list[Mask]) -> float:
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
    step = motion(boxes)
    right = max(step[0], step[2], key=abs)
    down = max(step[1], step[3], key=abs)
    height, width = mask.shape
    moved_rows = np.clip(rows + round(down), 0, height - 1)
    moved_columns = np.clip(columns + round(right), 0, width - 1)
    return float(max(grown[rows, columns].mean(), grown[moved_rows, moved_columns].mean()))
