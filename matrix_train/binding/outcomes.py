"""What came of a deed in a video: whether the one who is named went, and to the one who is named.

Read off the last frame alone, by colours at places that the layout gives; no tracker is asked. The subject is judged where the
four stood: whose place has become backdrop? The object is judged where the subject would be, and the object with it, for each of
the three that it could be done to: which of the three ends does the picture come nearest to?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from intergeneval.records import Record
from matrix_train.binding.play import paint, places_at
from matrix_train.binding.scene import FIGURES, HUES, Deed, Scene

CANDIDATES = FIGURES - 1
"""Objects that a subject can have."""
CHANCE_SUBJECT, CHANCE_OBJECT = 1 / FIGURES, 1 / CANDIDATES
"""What a guess gets right."""
_SEEN = 0.5
"""Share of a pixel from which it belongs to a figure."""
_CHANGED = 12.0
"""Grey values by which a pixel must differ between two ends to tell them apart."""
_FLOOR = 1.0
"""Grey values added to distances, so that a picture that meets an end exactly has a finite margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Record):
    """What a video's last frame shows of a deed."""

    subject: bool
    """Whether the one whose place has most become backdrop is the one who is named; chance is 1/4."""
    object: bool
    """Whether the picture comes nearest to the end in which it is done to the one who is named; chance is 1/3."""
    margin: float
    """Log of the colour distance to the nearest other end over that to the end that is named; above 0 where `object` is true."""


def outcome(found: Scene, deed: Deed, last: npt.NDArray[np.uint8]) -> Outcome:
    """Return what the last frame (H, W, 3) of a video shows of a deed."""
    size = (last.shape[0], last.shape[1])
    seen = last.astype(np.float32)
    distances = _distances(found, deed, seen, size)
    named = distances.pop(deed.object)
    other = min(distances.values())
    return Outcome(
        subject=_gone(found, seen, size) == deed.subject,
        object=named < other,
        margin=math.log((other + _FLOOR) / (named + _FLOOR)),
    )


def by_scene(found: Sequence[Sequence[Outcome]], name: str) -> npt.NDArray[np.float64]:
    """Return the mean of a field of the outcomes over each scene's videos."""
    return np.array([np.mean([float(getattr(item, name)) for item in scene]) for scene in found])


def _gone(found: Scene, seen: npt.NDArray[np.float32], size: tuple[int, int]) -> int:
    """Return the number of the figure whose first place has become backdrop most."""
    _, shares = paint(found, found.places, size)
    left = []
    for figure, share in zip(found.figures, shares, strict=True):
        inside = seen[share > _SEEN]
        own = np.abs(inside - np.array(HUES[figure.hue], np.float32)).mean()
        backdrop = np.abs(inside - found.backdrop).mean()
        left.append(float(own / (own + backdrop + _FLOOR)))
    return int(np.argmax(left))


def _distances(found: Scene, deed: Deed, seen: npt.NDArray[np.float32], size: tuple[int, int]) -> dict[int, float]:
    """Return the mean colour distance, in grey values, to each end, over the pixels in which the ends differ."""
    ends = {}
    for other in range(FIGURES):
        if other != deed.subject:
            own = replace(deed, object=other)
            ends[other] = paint(found, places_at(found, own, 1.0), size, top=deed.subject)[0].astype(np.float32)
    pictures = np.stack(list(ends.values()))
    telling = (np.ptp(pictures, axis=0) > _CHANGED).any(axis=-1)
    return {other: float(np.abs(seen - picture)[telling].mean()) for other, picture in ends.items()}
