"""Whether a video's first frame is the one that masks were drawn on, looked at closely where they lie.

A frame as a whole says little of a small thing that has moved, and little at all where it is dark. So every mask keeps a close-up
of its surroundings, and two of them are held against each other by how far they lie apart beside what there is to see in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask, box
from intergeneval.records import Record

Frame = npt.NDArray[np.uint8]
_Fields = npt.NDArray[np.float64]

SIDE = 16
"""Fields of a look, and at most of a close-up, along each side."""
_FEWEST, _PIXELS = 4, 4
"""A close-up has at least so many fields along a side, and fields of so many pixels where it may: less is noise of encoding."""
_NOISE = 2.0
"""Grey levels that an encoder adds to a field."""
_SHIFT = 3.0
"""Grey levels by which an encoder may shift a colour everywhere."""
DOUBTED, OTHER = 0.33, 0.7
"""How far two looks lie apart, beside their own contrast, from which on it is doubted, or denied, that they are of one frame.
Of 29 masks of two real clips and eight staged scenes, in full light and in 12 and 5 % of it, encoding anew at crf 34 moved a
close-up by 0.66 at most, and a mirrored frame lay 0.80 off at least. Of boxes at random places, from twelve pixels on, a thing
that moved by its own width lay 0.44 off at least and 0.7 nine times in ten."""
_BLANK = 1.5
"""Contrast in grey levels below which there is nothing to see in a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseUp(Record):
    """A mask with its surroundings in the first frame that it was drawn on."""

    instance_id: str
    """The instance."""
    edges: tuple[float, ...]
    """Left, top, right and bottom of what is seen, as shares of the frame."""
    look: str
    """It in square fields, RGB, as hex digits."""

    def __post_init__(self) -> None:
        if len(self.edges) != 4 or not (0 <= self.edges[0] < self.edges[2] <= 1 and 0 <= self.edges[1] < self.edges[3] <= 1):
            raise ValueError(f"edges {self.edges!r} are no part of a frame")
        fields_of(self.look)


def fields_of(look: str) -> _Fields:
    """Return a look as numbers (side, side, 3). Raises ValueError where it is not square."""
    data = bytes.fromhex(look)
    side = round((len(data) / 3) ** 0.5)
    if not 1 <= side <= SIDE or len(data) != 3 * side * side:
        raise ValueError(f"look {look!r:.20} is not of square fields")
    return np.frombuffer(data, np.uint8).astype(np.float64).reshape(side, side, 3)


def look_of(frame: Frame, side: int = SIDE) -> str:
    """Return a frame, RGB uint8 (H, W, 3), in fields as hex digits."""
    return np.asarray(cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8).tobytes().hex()


def close_ups(frame: Frame, masks: Mapping[str, Mask]) -> tuple[CloseUp, ...]:
    """Return a close-up of every mask, bool (H, W), that holds anything: its box, and half of that more on every side."""
    height, width = frame.shape[:2]
    found = []
    for name, mask in masks.items():
        edges = box(mask)
        if edges is None:
            continue
        wide, high = (edges[2] - edges[0]) / 2, (edges[3] - edges[1]) / 2
        seen = (
            max(0.0, edges[0] - wide) / width, max(0.0, edges[1] - high) / height,
            min(float(width), edges[2] + wide) / width, min(float(height), edges[3] + high) / height,
        )  # fmt: skip
        side = int(min(max(4 * max(wide, high) // _PIXELS, _FEWEST), SIDE))
        shares = tuple(round(edge, 6) for edge in seen)
        found.append(CloseUp(instance_id=name, edges=shares, look=look_of(_part(frame, shares), side)))
    return tuple(found)


def _part(frame: Frame, edges: tuple[float, ...]) -> Frame:
    height, width = frame.shape[:2]
    left, top = int(edges[0] * width), int(edges[1] * height)
    return frame[top : max(top + 1, round(edges[3] * height)), left : max(left + 1, round(edges[2] * width))]


def apart(one: str, two: str) -> float:
    """Return how far two looks of one size lie apart beside the contrast of the plainer: 0 for the same, about 1 for others."""
    first, second = fields_of(one), fields_of(two)
    off = first - second
    off -= np.clip(off.mean((0, 1)), -_SHIFT, _SHIFT)
    edge = max(1, round(len(first) / 4))
    inner = off[edge:-edge, edge:-edge] if len(first) > 2 else off
    most = max(np.sqrt((off**2).mean()), np.sqrt((inner**2).mean()))
    return float(most / np.hypot(min(_contrast(first), _contrast(second)), _NOISE))


def _contrast(fields: _Fields) -> float:
    return float(np.sqrt(((fields - fields.mean((0, 1))) ** 2).mean()))


def differs(item: CloseUp, frame: Frame) -> tuple[float, bool]:
    """Return how far a frame lies from a close-up where that was taken, and whether there is too little to see to tell."""
    there = look_of(_part(frame, item.edges), len(fields_of(item.look)))
    return apart(item.look, there), blank(item.look, there)


def blank(one: str, two: str) -> bool:
    """Whether there is nothing to see in either of two looks."""
    return max(_contrast(fields_of(one)), _contrast(fields_of(two))) < _BLANK
