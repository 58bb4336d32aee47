"""Frames for a judge: outlines that tell who is meant, outside of what they mark, so that nothing of it is covered or tinted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import cv2
import numpy as np

from intergeneval.masks import COLOUR_RGB, Mask
from intergeneval.records import Box, Tracks
from intergeneval.videos.drawing import boxes_at, check_size, line_width, masks_at
from intergeneval.videos.pixels import Frame

UNSURE = 0.6
"""Confidence of a tracker below which an outline is dashed."""
_DASHES = 6
"""Length of a dash and of a gap, in line widths."""


def outlined(
    frame: Frame,
    boxes: Mapping[str, Box | None],
    colours: Mapping[str, str],
    masks: Mapping[str, Mask] | None = None,
    unsure: frozenset[str] = frozenset(),
) -> Frame:
    """Return a copy of `frame` (H, W, 3) with an outline around each instance: its box, and with a mask its shape.

    Lines lie outside of box and mask, and at the border of the picture where there is no more room; those of `unsure` instances
    are dashed. Colours are exact. Raises KeyError for an id without a colour, ValueError for a mask of another size.
    """
    drawn = frame.copy()
    for name, mask in (masks or {}).items():
        _around(drawn, mask, COLOUR_RGB[colours[name]])
    for name, edges in boxes.items():
        if edges is not None:
            _rectangle(drawn, edges, COLOUR_RGB[colours[name]], dashed=name in unsure)
    return drawn


def outlined_frames(kept: Mapping[int, Frame], tracks: Tracks, colours: Mapping[str, str]) -> dict[int, Frame]:
    """Return the `kept` frames as a judge sees them: an outline per visible instance, on the first frame along its shape as well.

    Raises MediaError for a frame the tracks do not reach or a stored mask that is damaged.
    """
    first = min(kept, default=0)
    return {index: _drawn(frame, index, tracks, colours, shape=index == first) for index, frame in sorted(kept.items())}


def outlined_clip(frames: Iterable[Frame], tracks: Tracks, colours: Mapping[str, str]) -> Iterator[Frame]:
    """Yield every frame with its outlines. Raises MediaError as `outlined_frames` does."""
    for index, frame in enumerate(frames):
        yield _drawn(frame, index, tracks, colours, shape=False)


def _drawn(frame: Frame, index: int, tracks: Tracks, colours: Mapping[str, str], *, shape: bool) -> Frame:
    check_size(tracks, frame)
    boxes = boxes_at(tracks, index)
    masks = masks_at(tracks, index) if shape else {}
    unsure = frozenset(item.instance_id for item in tracks.tracks if item.confidence[index] < UNSURE)
    return outlined(frame, boxes, colours, masks, unsure)


def _around(frame: Frame, mask: Mask, colour: tuple[int, int, int]) -> None:
    """Paint a ring around a mask and nothing inside of it."""
    if mask.shape != frame.shape[:2]:
        raise ValueError(f"a mask of {mask.shape} does not fit a frame of {frame.shape[:2]} (height, width)")
    reach = 2 * line_width(frame) + 1
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((reach, reach), np.uint8))
    frame[(grown > 0) & ~mask.astype(bool)] = colour


def _rectangle(frame: Frame, edges: Box, colour: tuple[int, int, int], *, dashed: bool) -> None:
    height, width = frame.shape[:2]
    if edges[2] <= edges[0] or edges[3] <= edges[1]:
        return
    if edges[2] <= 0 or edges[3] <= 0 or edges[0] >= width or edges[1] >= height:
        return
    thick = line_width(frame)
    # One pixel of what lies around stays between the thing and its line.
    left, top = max(0, math.floor(edges[0]) - thick - 1), max(0, math.floor(edges[1]) - thick - 1)
    right, bottom = min(width, math.ceil(edges[2]) + thick + 1), min(height, math.ceil(edges[3]) + thick + 1)
    line = np.zeros((bottom - top, right - left), dtype=bool)
    line[:thick] = line[-thick:] = True
    line[:, :thick] = line[:, -thick:] = True
    if dashed:
        rows, columns = np.indices(line.shape)
        line &= ((rows + columns) // (_DASHES * thick)) % 2 == 0
    frame[top:bottom, left:right][line] = colour
